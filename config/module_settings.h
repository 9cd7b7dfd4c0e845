// ModuleSettings: what a permission module sees of its settings (master/permission_module.h), as
// the C structs and functions that it is given, over our JSON. Whatever it reports, and each member
// that it does not ask for, becomes a problem with its place.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "config/json_document.h"
#include "config/problem_list.h"
#include "master/permission_module.h"

namespace dmpm::config {

// Has `module` read `settings`, which are of the module `name`; what it emitted. Whole only when
// nothing was added to the problems.
std::string read_module_settings(const dmpm_module& module, std::string_view name,
                                 const JsonNode& settings, ProblemList& problems);

}  // namespace dmpm::config
