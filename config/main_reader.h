// Reads the main configuration file, without what it includes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/file_content.h"

namespace dmpm::config {

struct IncludePattern {
  std::string pattern;  // absolute
  Position place;
};

struct MainFile {
  Configuration settings;  // all but its groups and virtual hosts, which are in `content`
  Surroundings surroundings;
  FileContent content;
  std::vector<IncludePattern> include;
  std::optional<Position> tls_listener;  // the first one
};

// The result is whole only when nothing was added to the problems.
MainFile read_main_file(std::string text, Tools& tools, ProblemList& problems);

}  // namespace dmpm::config
