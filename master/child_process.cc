#include "master/child_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <span>

#include "base/text.h"

namespace dmpm::master {

namespace {

// The functions for the child run between fork and exec: they allocate nothing and return false
// with errno set when a step failed.

// fork() with all signals blocked in the child: the master's handlers write into a socket that the
// child still shares, so none may run there before reset_signals().
pid_t fork_blocked() {
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int error = errno;
  if (pid != 0) ::sigprocmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

// Child. Every signal's default action, nothing blocked.
bool reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) {
    // Fails for the two that have no other action and the two that the C library keeps.
    ::sigaction(number, &action, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

// Child. Makes fds[i] descriptor i, open across exec, and closes every other one; the numbers may
// collide in any way. Overwrites `fds`.
bool place_descriptors(std::span<int> fds) {
  const int end = static_cast<int>(fds.size());
  // First out of each other's way, then into place: dup2 leaves the copy open across exec.
  for (int& fd : fds) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, end);
    if (fd < 0) return false;
  }
  for (int place = 0; place < end; ++place) {
    if (::dup2(fds[static_cast<size_t>(place)], place) < 0) return false;
  }
  return ::close_range(static_cast<unsigned>(end), ~0U, 0) == 0;
}

// Child. SIGKILL when the master dies, even if it died just now. The kernel forgets this when the
// process changes its ids.
bool die_with(pid_t master) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return false;
  if (::getppid() == master) return true;
  errno = ESRCH;
  return false;
}

}  // namespace

Result<pid_t> spawn_service(const std::string& executable, std::vector<std::string> arguments,
                            std::vector<int> descriptors) {
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char language[] = "LANG=C";
  char* const environment[] = {path, language, nullptr};
  std::string name = executable.substr(executable.rfind('/') + 1);
  std::vector<char*> words{name.data()};
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  const pid_t master = ::getpid();

  const pid_t pid = fork_blocked();
  if (pid < 0) return Error::from_errno("fork", errno);
  if (pid > 0) return pid;

  if (::setsid() >= 0 && place_descriptors(descriptors) && die_with(master) && reset_signals()) {
    ::execve(executable.c_str(), words.data(), environment);
  }
  ::dprintf(STDERR_FILENO, "%s: %s\n", executable.c_str(), ::strerror(errno));
  ::_exit(127);
}

}  // namespace dmpm::master
