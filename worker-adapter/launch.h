// The last steps before the real server: its way to the socket, and exec.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "worker-adapter/arguments.h"

namespace dmpm::adapter {

// For a server that insists on TCP port `port` (0: the first that it listens on). Moves the socket
// away from descriptor 3 and leaves in the environment what the library wants to know.
Status prepare_preload(const Arguments& arguments, unsigned port);

// No program loader, no preloaded library: such a program would open its port on the machine. What cannot be
// read or is no ELF file (a script) is not called so.
bool is_linked_statically(const std::string& path);

// Becomes the command; returns only when that fails.
Error execute(const std::vector<std::string>& command);

}  // namespace dmpm::adapter
