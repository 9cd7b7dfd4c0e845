#include "master/children.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "base/text.h"
#include "master/limits.h"

namespace dmpm::master {

void Children::kill_all() const {
  for (const auto& [pid, handler] : handlers_) ::kill(-pid, SIGKILL);
}

// `dead` has not been reaped yet, so neither its number nor its session's can be anybody else's.
void Children::note_family(pid_t dead) {
  pid_t session = dead;
  if (handlers_.contains(dead)) {
    ::kill(-dead, SIGKILL);
  } else {
    // An orphan that came to us: its own children just did too. They go if the process whose session
    // they are in has gone (a daemon of a living worker leads its own session and is left alone).
    session = ::getsid(dead);
    if (session <= 0 || session == ::getsid(0) || handlers_.contains(session)) return;
  }
  dead_sessions_.insert(session);
  if (!sweep_.timer.pending()) sweep_.timer.set(kSweepEvery);
}

// Kills our children that belong to a session whose leader has died: the kernel has made them ours.
// One look for all of them, and not more often than kSweepEvery: each reads the whole list, which a
// worker can make long.
void Children::sweep() {
  std::ifstream children("/proc/thread-self/children");
  for (pid_t pid; children >> pid;) {
    const pid_t session = ::getsid(pid);
    if (pid != session && dead_sessions_.contains(session)) ::kill(pid, SIGKILL);
  }
  dead_sessions_.clear();
}

void Children::reap() {
  for (int i = 0; i < kReapsPerRound; ++i) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const pid_t pid = info.si_pid;
    note_family(pid);
    int status = 0;
    ::waitpid(pid, &status, 0);
    const auto found = handlers_.find(pid);
    if (found == handlers_.end()) continue;
    ChildHandler& handler = *found->second;
    handlers_.erase(found);
    handler.on_child_ended(status);
  }
  more_.timer.set(Milliseconds(0));  // one worker's flood of orphans must not hold up the others
}

std::string describe_ending(int wait_status) {
  if (WIFEXITED(wait_status)) {
    return concat({"exited with status ", std::to_string(WEXITSTATUS(wait_status))});
  }
  const int number = WTERMSIG(wait_status);
  const char* name = ::sigabbrev_np(number);
  if (name == nullptr) return concat({"was killed by signal ", std::to_string(number)});
  return concat({"was killed by SIG", name, WCOREDUMP(wait_status) ? " (core dumped)" : ""});
}

}  // namespace dmpm::master
