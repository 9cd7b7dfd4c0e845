// A directory that only the customer can enter: for a preset's configuration, the sockets between a
// worker's own processes, and caches that outlive it.
//
// Where: `private_directory` of the configuration, or the one that the master has made for the group where
// only root can put anything (master/directories.h). Where that cannot be reached, in a root directory of
// the group's own for instance, /tmp/dmpm-UID-GROUP.0 (TMPDIR's). In a sticky directory somebody else may
// have taken the name: then one is made that nobody can foresee, so that nobody can keep a neighbour from
// starting, and found again at the next start. What is there already is used only if it is the
// customer's own and closed to all others.
#pragma once

#include <string>

#include "base/result.h"

namespace dmpm::adapter {

struct PrivateDirectory {
  std::string shared;  // by all workers of the group, and from one start to the next
  // Of this worker alone as long as it lives: a lock on it goes into exec with the process.
  std::string own;
};

// `name` tells groups of one user apart.
Result<PrivateDirectory> make_private_directory(const std::string& configured,
                                                const std::string& name);
// Makes `path` (mode 0700) unless it is there and nobody else's.
Status make_closed_directory(const std::string& path);
// Replaces what is there, unless it is the same.
Status write_file(const std::string& path, const std::string& text);

}  // namespace dmpm::adapter
