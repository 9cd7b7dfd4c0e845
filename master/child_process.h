// Starts dmpm's own services. (A worker is started by worker_spawner.h.)
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace dmpm::master {

// Starts one of dmpm's own programs with `arguments`: descriptors[i] as its descriptor i, PATH and LANG as its
// environment, a session of its own, SIGKILL when the master dies. If exec fails the child says so
// on its descriptor 2 and exits with status 127.
Result<pid_t> spawn_service(const std::string& executable, std::vector<std::string> arguments,
                            std::vector<int> descriptors);

}  // namespace dmpm::master
