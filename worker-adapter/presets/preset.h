// Presets: a real server with a configuration written from a few keys (../README.md has them all).
//
// Each fills in a Launch from the arguments and the private directory; run_preset() then becomes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "worker-adapter/arguments.h"
#include "worker-adapter/private_directory.h"

namespace dmpm::adapter {

struct Launch {
  std::vector<std::string> command;
  // Set: the server insists on this TCP port; otherwise it takes descriptor 3 (LISTEN_FDS).
  std::optional<unsigned> preload_port;
};

// Does not return unless it fails.
Error run_preset(const Arguments& arguments);

// Each its own file. The values come checked for what could not stand between double quotes
// (config/preset_reader.cc).
Result<Launch> launch_lighttpd(const Arguments& arguments, const PrivateDirectory& directory,
                               bool php);
Result<Launch> launch_apache(const Arguments& arguments, const PrivateDirectory& directory);
Result<Launch> launch_node(const Arguments& arguments);
Result<Launch> launch_python(const Arguments& arguments, const PrivateDirectory& directory);

// `names` in double quotes with `separator` between them.
std::string quoted_list(const std::vector<std::string>& names, std::string_view separator);

}  // namespace dmpm::adapter
