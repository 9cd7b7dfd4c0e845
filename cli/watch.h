// The live screen of `dmpm status --watch`.
#pragma once

#include <string>

#include "cli/status_view.h"

namespace dmpm::cli {

// Until the operator ends it. The exit status.
int watch(const std::string& runtime_directory, StatusView view);

}  // namespace dmpm::cli
