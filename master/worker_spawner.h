// Starts a worker's process: dmpm-worker-start, which becomes the worker (worker_start.cc).
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "config/configuration.h"

namespace dmpm::master {

struct WorkerLaunch {
  const config::Group& group;
  const std::string& starter;      // path of dmpm-worker-start
  int socket;                      // listening
  const std::string& socket_path;  // for "{socket}" in the command
  int log;                         // standard output and error
  const rlimit& open_files;        // RLIMIT_NOFILE, unless the group has its own
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

}  // namespace dmpm::master
