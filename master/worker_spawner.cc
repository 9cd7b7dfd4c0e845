#include "master/worker_spawner.h"

#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/text.h"
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

// The C library's way to say what happens between its vfork and exec.
class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  // Exactly these descriptors, whatever their numbers are now: first out of each other's way.
  void place(const Places& fds) {
    const int free = std::max<int>(*std::max_element(fds.begin(), fds.end()), kPlaces) + 1;
    for (size_t i = 0; i < fds.size(); ++i) {
      if (fds[i] != kClosed) add_dup2(fds[i], free + static_cast<int>(i));
    }
    for (size_t i = 0; i < fds.size(); ++i) {
      const int place = static_cast<int>(i);
      if (fds[i] != kClosed) {
        add_dup2(free + place, place);
      } else {
        ::posix_spawn_file_actions_addclose(&actions_, place);
      }
    }
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, kPlaces);
  }

  void own_session_and_default_signals() {
    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }

  // An errno, or 0.
  int spawn(const std::string& path, pid_t& pid) const {
    std::string name = path;
    char* const arguments[] = {name.data(), nullptr};
    char* const environment[] = {nullptr};
    return ::posix_spawn(&pid, path.c_str(), &actions_, &attributes_, arguments, environment);
  }

 private:
  void add_dup2(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

namespace {

// Groups without modules keep the program that loads nothing.
std::string starter_of(const WorkerLaunch& launch) {
  const bool modules = !launch.group.permissions.modules.empty();
  return concat({launch.starter, modules ? "-modules" : ""});
}

// Starts `starter` with `plan`; `make_places` gets the number of its control descriptor.
template <typename MakePlaces>
Result<SpawnedWorker> spawn(const std::string& starter, const WorkerPlan& plan,
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
  SpawnSettings settings;
  settings.place(make_places(theirs.get()));
  settings.own_session_and_default_signals();
  const int error = settings.spawn(starter, worker.pid);
  if (error != 0) return Error::from_errno(starter, error);
  return worker;
}

}  // namespace

Result<SpawnedWorker> spawn_worker(const WorkerLaunch& launch) {
  return spawn(starter_of(launch),
               make_plan(launch.group, launch.number, launch.socket_path, launch.open_files),
               [&launch](int control) { return places(launch, control); });
}

std::optional<CleanUp> clean_up_after(const WorkerLaunch& launch) {
  const auto& modules = launch.group.permissions.modules;
  const bool wanted = std::any_of(
      modules.begin(), modules.end(),
      [](const config::PermissionModule& module) { return (module.stages & DMPM_ENDED) != 0; });
  if (!wanted) return std::nullopt;
  return CleanUp{starter_of(launch),
                 make_plan(launch.group, launch.number, launch.socket_path, launch.open_files)};
}

Result<SpawnedWorker> spawn_clean_up(CleanUp& what, pid_t ended) {
  what.plan.ended = ended;
  return spawn(what.starter, what.plan, [](int control) {
    return Places{STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, kClosed, control};  // /dev/null
  });
}

}  // namespace dmpm::master
