// Expands the "include" patterns of the main file.
#pragma once

#include <string>
#include <vector>

#include "config/main_reader.h"
#include "config/problem_list.h"

namespace dmpm::config {

// The files that match, in the order of the patterns and by name within each, none of them twice.
// A pattern without wildcards names a file that must exist.
std::vector<std::string> expand(const std::vector<IncludePattern>& include, ProblemList& problems);

}  // namespace dmpm::config
