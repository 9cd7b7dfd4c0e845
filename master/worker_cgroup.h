// The workers' control groups: every process that a worker ever made is in its cgroup, whatever
// sessions and parents it gave itself, and so ends with it.
//
// For this alone no controller is needed, so it works wherever a cgroup2 hierarchy is mounted that
// root may write to, beside version 1 ("hybrid") too. Where there is none, what is left is the
// session (children.h), which a daemon can leave.
//
//   CGROUP OF THE MASTER/dmpm!run!dmpm     all of this master: named after its runtime directory,
//       alice/                             which no two masters have at once
//           7                              worker 7 of group alice; 7-1, 7-2 while the processes that
//                                          were killed in 7 are still dying
//
// Each process of a worker has a new one: Linux (seen in 6.18) kills at once whoever is born into a
// cgroup that was killed before.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace dmpm::master {

// Of one process of a worker, and all that it makes.
class WorkerCgroup {
 public:
  // Below `base`, which outlives it.
  static Result<WorkerCgroup> make(int base, std::string group, uint32_t worker);
  // Nothing when `pid` is in none of that worker.
  static std::optional<WorkerCgroup> take_over(int base, const std::string& group, uint32_t worker,
                                               pid_t pid);
  WorkerCgroup(WorkerCgroup&&) = default;
  WorkerCgroup& operator=(WorkerCgroup&&) = delete;
  // Kills what is in it, and removes it. Where a process is still dying it stays behind, empty, until
  // the next one of its group goes.
  ~WorkerCgroup();

  // The directory, to be born into (CLONE_INTO_CGROUP).
  int fd() const { return directory_.get(); }
  // SIGKILL to every process, also to those that are just being forked.
  void kill() const;
  // At most `most` of its processes.
  std::vector<pid_t> processes(size_t most) const;
  // Microseconds of processor time that all who were in it have used.
  uint64_t cpu_us() const;

 private:
  WorkerCgroup(int base, std::string group, std::string name, Fd directory)
      : base_(base),
        group_(std::move(group)),
        name_(std::move(name)),
        directory_(std::move(directory)) {}
  int base_;
  std::string group_, name_;  // "alice", "alice/7"
  Fd directory_;
};

// All of them.
class WorkerCgroups {
 public:
  // Kills what a master that died left in them, unless its workers were handed over. Not available:
  // reason() says why, and workers run without.
  explicit WorkerCgroups(const std::string& runtime_directory, bool handed_over = false);
  WorkerCgroups(const WorkerCgroups&) = delete;
  WorkerCgroups& operator=(const WorkerCgroups&) = delete;
  ~WorkerCgroups();

  bool available() const { return static_cast<bool>(base_); }
  const std::string& reason() const { return reason_; }
  const std::string& path() const { return path_; }
  // Nothing when not available, or when it cannot be made.
  std::optional<WorkerCgroup> make(const std::string& group, uint32_t worker) const;
  // The one that a worker which was handed over has been in since its start.
  std::optional<WorkerCgroup> take_over(const std::string& group, uint32_t worker, pid_t pid) const;

 private:
  Status open(const std::string& runtime_directory, bool handed_over);

  std::string path_, reason_;
  Fd base_;
};

}  // namespace dmpm::master
