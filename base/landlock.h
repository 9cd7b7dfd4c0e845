// Landlock: rights to files and networks taken from a process whatever its user may do. Of the
// kernel's own calls, without a library; a kernel that has no Landlock, or an older one that knows
// less of it, is no error: the other parts of a lock-down hold without it.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace dmpm::lockdown {

// What may be done with files, as the kernel numbers it (linux/landlock.h, which is older than the
// kernel on some machines).
namespace files {
inline constexpr uint64_t kExecute = 1 << 0;
inline constexpr uint64_t kWrite = 1 << 1;
inline constexpr uint64_t kRead = 1 << 2;
inline constexpr uint64_t kMakeDirectory = 1 << 7;
inline constexpr uint64_t kMakeFile = 1 << 8;
}  // namespace files

struct Beneath {
  const char* directory;  // as this process sees it now
  uint64_t access;        // of files::
};

// The version that this kernel has; 0: none.
int landlock_version();

// From here on nothing may be done with any file but `allowed` (of what Landlock knows: opening,
// executing, making, removing, renaming; not: stat, chmod, connecting to a Unix socket by its path).
// No TCP port may be bound or connected to (version 4), no abstract Unix socket of others connected
// to, no signal sent to others (6). What is open stays usable. Needs no_new_privileges().
Status landlock_all_but(std::span<const Beneath> allowed);

}  // namespace dmpm::lockdown
