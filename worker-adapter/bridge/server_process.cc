#include "worker-adapter/bridge/server_process.h"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "worker-adapter/launch.h"

namespace dmpm::adapter {
namespace {

constexpr int kForwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

[[noreturn]] void become_server(const std::vector<std::string>& command, const sigset_t& mask,
                                pid_t bridge) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != bridge) ::_exit(127);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  const Error error = execute(command);
  ::dprintf(STDERR_FILENO, "dmpm-worker-adapter: %s\n", error.message.c_str());
  ::_exit(127);
}

}  // namespace

Result<ServerProcess> ServerProcess::start(const std::vector<std::string>& command) {
  sigset_t forwarded, before;
  ::sigemptyset(&forwarded);
  for (const int number : kForwarded) ::sigaddset(&forwarded, number);
  ::sigprocmask(SIG_BLOCK, &forwarded, &before);
  Fd signals(::signalfd(-1, &forwarded, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals) return Error::from_errno("signalfd", errno);
  const pid_t bridge = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Error::from_errno("fork", errno);
  if (pid == 0) become_server(command, before, bridge);
  Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!ended) return Error::from_errno("pidfd_open", errno);
  return ServerProcess(pid, std::move(ended), std::move(signals));
}

void ServerProcess::forward_signal() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    ::kill(pid_, static_cast<int>(signal.ssi_signo));
  }
}

int ServerProcess::exit_status() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace dmpm::adapter
