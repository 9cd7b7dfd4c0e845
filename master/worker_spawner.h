// Starts a worker's process: dmpm-worker-start, which becomes the worker (worker_start.cc).
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "config/configuration.h"
#include "master/worker_plan.h"

namespace dmpm::master {

struct WorkerLaunch {
  const config::Group& group;
  uint32_t number;                 // the worker's
  const std::string& starter;      // path of dmpm-worker-start; beside it lie the one with modules
                                   // and the adapter
  int socket;                      // listening
  const std::string& socket_path;  // for "{socket}" in the command
  int log;                         // standard output and error
  const rlimit& open_files;        // RLIMIT_NOFILE, unless the group has its own
  int cgroup = -1;  // directory of the cgroup that it is born into; none: the master's
  std::string private_directory = {};  // path; empty: none
};

struct SpawnedWorker {
  pid_t pid;
  // SOCK_SEQPACKET. End of file: exec succeeded (or the process was killed before). Otherwise the
  // text of what went wrong: "exec /usr/sbin/foo: No such file or directory".
  Fd control;
};

// Returns when dmpm-worker-start runs; the worker is not there yet. Never waits for anything that a
// customer has a hand in.
Result<SpawnedWorker> spawn_worker(const WorkerLaunch& launch);

// What permission modules want done when a worker's process has ended (DMPM_ENDED).
struct CleanUp {
  std::string starter;
  WorkerPlan plan;
};

// Nothing when no module of the group declares that stage. For the next process of the worker.
std::optional<CleanUp> clean_up_after(const WorkerLaunch& launch);
// Starts a process that does it: `ended` was the worker's. Its control channel gives what went
// wrong.
Result<SpawnedWorker> spawn_clean_up(CleanUp& what, pid_t ended);

}  // namespace dmpm::master
