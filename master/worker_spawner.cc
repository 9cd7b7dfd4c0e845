#include "master/worker_spawner.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "master/clone_and_call.h"
#include "master/heritage.h"
#include "master/permission_module.h"
#include "master/worker_plan.h"

namespace dmpm::master {

namespace {

constexpr int kClosed = -1;
constexpr size_t kPlaces = heritage::kWorkerControl + 1;
using Places = std::array<int, kPlaces>;  // [i] becomes descriptor i

Places places(const WorkerLaunch& launch, int control) {
  static_assert(heritage::kWorkerSocket == 3 && heritage::kWorkerControl == 4);
  if (launch.group.worker.activation == config::Activation::stdin_fd) {
    return {launch.socket, launch.log, launch.log, kClosed, control};
  }
  return {STDIN_FILENO, launch.log, launch.log, launch.socket, control};
}

// Between its birth and exec the child shares the master's memory, but for its stack, and the master
// stands still: it only makes system calls, of what was prepared before. (The C library's
// posix_spawn does the same, but cannot have a child born into a cgroup, and moving it afterwards
// takes milliseconds.)
struct Birth {
  const char* path;
  char* const* arguments;
  char* const* environment;
  Places fds;
  int error;  // out
};

// Exactly these descriptors, whatever their numbers are now: first out of each other's way.
DMPM_NOT_INSTRUMENTED bool place_descriptors(const Places& fds) {
  int free = static_cast<int>(kPlaces);
  for (const int fd : fds) free = fd >= free ? fd + 1 : free;
  for (size_t i = 0; i < kPlaces; ++i) {
    if (fds[i] != kClosed && ::dup2(fds[i], free + static_cast<int>(i)) < 0) return false;
  }
  for (size_t i = 0; i < kPlaces; ++i) {
    const int place = static_cast<int>(i);
    if (fds[i] == kClosed) {
      ::close(place);
    } else if (::dup2(free + place, place) < 0) {
      return false;
    }
  }
  return ::close_range(kPlaces, ~0U, 0) == 0;
}

// CLONE_CLEAR_SIGHAND has taken the handlers away; what was ignored still is.
DMPM_NOT_INSTRUMENTED bool default_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigset_t none;
  ::sigemptyset(&none);
  return ::sigaction(SIGPIPE, &action, nullptr) == 0 &&
         ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

DMPM_NOT_INSTRUMENTED int be_born(void* argument) {
  Birth& birth = *static_cast<Birth*>(argument);
  if (::setsid() >= 0 && place_descriptors(birth.fds) && default_signals()) {
    ::execve(birth.path, birth.arguments, birth.environment);
  }
  birth.error = errno;
  ::_exit(127);
}

// An errno, or 0. Returns when exec has worked or not.
int give_birth(Birth& birth, int cgroup, pid_t& pid) {
  alignas(16) std::array<char, 16 * 1024> stack;
  clone_args how{};
  how.flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND;
  how.exit_signal = SIGCHLD;
  how.stack = reinterpret_cast<uintptr_t>(stack.data());
  how.stack_size = stack.size();
  if (cgroup >= 0) {
    how.flags |= CLONE_INTO_CGROUP;
    how.cgroup = static_cast<uint64_t>(cgroup);
  }
  const long result = clone_and_call(how, be_born, &birth);
  if (result < 0) return static_cast<int>(-result);
  pid = static_cast<pid_t>(result);
  if (birth.error != 0) ::waitpid(pid, nullptr, 0);
  return birth.error;
}

// Groups without modules keep the program that loads nothing.
std::string starter_of(const WorkerLaunch& launch) {
  const bool modules = !launch.group.permissions.modules.empty();
  return concat({launch.starter, modules ? "-modules" : ""});
}

WorkerPlan plan_of(const WorkerLaunch& launch) {
  // The adapter lies beside the starter.
  const std::string_view starter = launch.starter;
  WorkerPlan plan = make_plan(launch.group, launch.number, launch.socket_path, launch.open_files,
                              starter.substr(0, starter.rfind('/')));
  if (!launch.private_directory.empty()) {
    plan.variables.push_back(concat({heritage::kPrivateDirectory, "=", launch.private_directory}));
  }
  return plan;
}

// Starts `starter` with `plan` in `cgroup`; `make_places` gets the number of its control descriptor.
template <typename MakePlaces>
Result<SpawnedWorker> spawn(const std::string& starter, const WorkerPlan& plan, int cgroup,
                            MakePlaces make_places) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::from_errno("socketpair", errno);
  }
  SpawnedWorker worker{-1, Fd(ends[0])};
  const Fd theirs(ends[1]);
  // Sent ahead: it waits in the channel, and tells now if it is too large for that.
  const std::string message = encode(plan);
  if (::send(ends[0], message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return Error::from_errno("handing over command and environment", errno);
  }
  std::string name = starter;
  char* const arguments[] = {name.data(), nullptr};
  char* const environment[] = {nullptr};
  Birth birth{starter.c_str(), arguments, environment, make_places(theirs.get()), 0};
  const int error = give_birth(birth, cgroup, worker.pid);
  if (error != 0) return Error::from_errno(concat({"starting ", starter}), error);
  return worker;
}

}  // namespace

Result<SpawnedWorker> spawn_worker(const WorkerLaunch& launch) {
  return spawn(starter_of(launch), plan_of(launch), launch.cgroup,
               [&launch](int control) { return places(launch, control); });
}

std::optional<CleanUp> clean_up_after(const WorkerLaunch& launch) {
  const auto& modules = launch.group.permissions.modules;
  const bool wanted = std::any_of(
      modules.begin(), modules.end(),
      [](const config::PermissionModule& module) { return (module.stages & DMPM_ENDED) != 0; });
  if (!wanted) return std::nullopt;
  return CleanUp{starter_of(launch), plan_of(launch)};
}

Result<SpawnedWorker> spawn_clean_up(CleanUp& what, pid_t ended) {
  what.plan.ended = ended;
  return spawn(what.starter, what.plan, -1, [](int control) {
    return Places{STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, kClosed, control};  // /dev/null
  });
}

}  // namespace dmpm::master
