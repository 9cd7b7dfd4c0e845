// How a child process that a test has started ends.
#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "base/fd.h"

namespace dmpm::test {

// Waits for it, 10 s at most, and makes `pid` -1 when it has ended. Its exit status; -1 when it did
// not end, or ended by a signal.
inline int exit_status(pid_t& pid) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  if (::poll(&ended, 1, 10'000) != 1) return -1;
  int status = 0;
  ::waitpid(std::exchange(pid, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace dmpm::test
