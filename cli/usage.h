// Usage: what workers' processes have of memory and processor time, as the kernel counts it.
//
// Read by whoever runs `dmpm status`, so that neither the master nor a worker is held up; only files
// that cost microseconds (not smaps_rollup, which waits for a lock that the process can hold).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cli/status.h"

namespace dmpm::cli {

class UsageReader {
 public:
  // `master`: a worker in another cgroup than that one's has its own.
  explicit UsageReader(pid_t master);

  struct Used {
    uint64_t memory =
        0;  // bytes: each process's anonymous memory, and once the largest one's shared
    uint64_t cpu_ms = 0;  // since the worker's start
  };
  // Of a worker's process and all that it made: by its cgroup, else what descends from it. What has
  // gone meanwhile uses nothing.
  Used of_worker(pid_t pid) const;

 private:
  std::string directory_of(pid_t pid) const;

  std::string mount_;        // of the cgroup2 hierarchy; empty: there is none
  std::string masters_own_;  // cgroup, a path below mount_
};

// Adds to each group what its workers use now.
void add_usage(Status& status);

}  // namespace dmpm::cli
