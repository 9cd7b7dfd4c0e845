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

Result<SpawnedWorker> spawn_worker(const WorkerLaunch& launch) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::from_errno("socketpair", errno);
  }
  SpawnedWorker worker{-1, Fd(ends[0])};
  const Fd theirs(ends[1]);
  // Sent ahead: it waits in the channel, and tells now if it is too large for that.
  const std::string plan = encode(make_plan(launch.group, launch.socket_path, launch.open_files));
  if (::send(ends[0], plan.data(), plan.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return Error::from_errno("handing over command and environment", errno);
  }
  SpawnSettings settings;
  settings.place(places(launch, theirs.get()));
  settings.own_session_and_default_signals();
  const int error = settings.spawn(launch.starter, worker.pid);
  if (error != 0) return Error::from_errno(launch.starter, error);
  return worker;
}

}  // namespace dmpm::master
