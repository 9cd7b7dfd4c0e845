// The bridge's server: a child in a process group of its own, so that each signal reaches it once,
// from the bridge.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace dmpm::adapter {

class ServerProcess {
 public:
  // Blocks the signals that are forwarded, and starts the command with them as they were. It is
  // killed when this process ends.
  static Result<ServerProcess> start(const std::vector<std::string>& command);

  int ended_fd() const { return ended_.get(); }      // readable when it has ended
  int signals_fd() const { return signals_.get(); }  // readable when forward_signal() has work
  void forward_signal();
  // After ended_fd() was readable: as a shell would say it.
  int exit_status();

 private:
  ServerProcess(pid_t pid, Fd ended, Fd signals)
      : pid_(pid), ended_(std::move(ended)), signals_(std::move(signals)) {}
  pid_t pid_;
  Fd ended_, signals_;
};

}  // namespace dmpm::adapter
