// Stands in a process's place: dmpm-dispatcher, dmpm-keyholder, dmpm-logger or dmpm-metrics by its own
// name, started by the real master with the real descriptors; or, with arguments, a group's worker or nobody in particular.
//
//   (as dmpm-dispatcher, ...)            the test's socket is beside the program: NAME.socket
//   dmpm-attacker serve SOCKET           the same for a worker, or without any place
//   dmpm-attacker list                   prints the attacks' names
//
// The test connects nothing: this process connects to its SOCK_SEQPACKET socket, says its pid, and
// answers each message "NAME\nKEY=VALUE\n..." with how the attack ended. Every attack is made by a
// child of its own, with the same descriptors, which calls the place's lock-down first (a worker has
// none to call: dmpm-worker-start has locked it down, and nobody in particular is not). Endings:
// "succeeded", "killed" (SIGSYS), a name of errno, "nothing", "signal N".
//
// Without sanitizers, and with the real tables of calls also where the rest is sanitized.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/lockdown.h"
#include "base/wire.h"
#include "keyholder/lockdown.h"
#include "logger/lockdown.h"
#include "logger/protocol.h"
#include "master/heritage.h"
#include "master/protocol.h"
#include "metrics/lockdown.h"
#include "proxy/lockdown.h"
#include "tests/red-team/attack.h"

namespace dmpm::red_team {
namespace {

enum class Role { dispatcher, keyholder, logger, metrics, other };

// An attacker's exit status; an errno is given as it is.
constexpr int kSucceeded = 0;
constexpr int kNothing = 200;
constexpr int kNoLockdown = 201;

const Attack* find(std::string_view name) {
  for (const auto& all :
       {attacks_on_files(), attacks_on_processes(), attacks_on_rights(), attacks_over_sockets(),
        attacks_on_the_kernel(), attacks_on_the_master(), attacks_on_the_keyholder()}) {
    for (const Attack& attack : all) {
      if (name == attack.name) return &attack;
    }
  }
  return nullptr;
}

void list() {
  for (const auto& all :
       {attacks_on_files(), attacks_on_processes(), attacks_on_rights(), attacks_over_sockets(),
        attacks_on_the_kernel(), attacks_on_the_master(), attacks_on_the_keyholder()}) {
    for (const Attack& attack : all) std::puts(attack.name);
  }
}

// ---- the place ----

struct Station {
  Role role = Role::other;
  lockdown::Place place;
};

Status lock_down(const Station& station) {
  switch (station.role) {
    case Role::dispatcher: return lock_down_dispatcher(station.place);
    case Role::keyholder: return lock_down_keyholder(station.place);
    case Role::logger: return lock_down_logger(station.place);
    case Role::metrics: return lock_down_metrics(station.place);
    case Role::other: return {};
  }
  return {};
}

std::string receive(int fd) {
  static char bytes[256 * 1024];
  const ssize_t size = ::recv(fd, bytes, sizeof bytes, 0);
  return std::string(bytes, size > 0 ? static_cast<size_t>(size) : 0);
}

lockdown::Place wait_for_welcome(Role role) {
  pollfd waiting{heritage::kMasterChannel, POLLIN, 0};
  ::poll(&waiting, 1, -1);
  const std::string message = receive(heritage::kMasterChannel);
  WireReader reader(message);
  reader.u32();
  lockdown::Place place;
  if (role == Role::dispatcher) {
    reader.u32();
  }
  if (role != Role::logger) place.root = reader.string();
  place.uid = reader.u32();
  place.gid = reader.u32();
  if (role == Role::logger) place.root = reader.string();
  return place;
}

// A dispatcher confirms what it is told; what else is said is nothing to us.
void hear_master(Role role) {
  const std::string message = receive(heritage::kMasterChannel);
  if (message.empty()) ::_exit(0);
  WireReader reader(message);
  const uint32_t notice = reader.u32();
  if (role == Role::dispatcher && notice == static_cast<uint32_t>(protocol::Notice::commit)) {
    const protocol::Request answer{protocol::RequestType::configured, 0, 0, reader.u32()};
    ::send(heritage::kMasterChannel, &answer, sizeof answer, MSG_NOSIGNAL);
  } else if (role == Role::logger &&
             notice == static_cast<uint32_t>(logger_protocol::LoggerNotice::stop)) {
    ::_exit(0);
  } else if (role == Role::dispatcher && notice == static_cast<uint32_t>(protocol::Notice::drain)) {
    const protocol::Request answer{protocol::RequestType::drained};
    ::send(heritage::kMasterChannel, &answer, sizeof answer, MSG_NOSIGNAL);
    ::_exit(0);
  }
}

// ---- one attack ----

// Before the lock-down.
void prepare() {
  ::dup2(::epoll_create1(0), kWaiting);
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0),
            client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ::bind(listener, generic, size);
  ::listen(listener, 1);
  ::getsockname(listener, generic, &size);
  ::connect(client, generic, size);
  ::dup2(::accept(listener, nullptr, nullptr), kClient);
  ::close(listener);
}

[[noreturn]] void attack(const Station& station, const Attack& chosen, const Targets& targets) {
  prepare();
  if (!lock_down(station).ok()) ::_exit(kNoLockdown);
  errno = 0;
  if (chosen.attempt(targets)) ::_exit(kSucceeded);
  ::_exit(errno == 0 ? kNothing : errno);
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return number == SIGSYS ? "killed" : "signal " + std::to_string(number);
  }
  switch (const int code = WEXITSTATUS(status)) {
    case kSucceeded: return "succeeded";
    case kNothing: return "nothing";
    case kNoLockdown: return "the lock-down failed";
    default: return ::strerrorname_np(code) != nullptr ? ::strerrorname_np(code) : "?";
  }
}

std::string try_attack(const Station& station, const std::string& message, int test) {
  const size_t line = message.find('\n');
  const Attack* chosen = find(message.substr(0, line));
  if (chosen == nullptr) return "unknown attack";
  Targets targets{{"client", std::to_string(kClient)}, {"parent", std::to_string(::getpid())}};
  for (size_t at = line + 1; line != std::string::npos && at < message.size();) {
    const size_t equals = message.find('=', at), end = message.find('\n', at);
    targets[message.substr(at, equals - at)] = message.substr(equals + 1, end - equals - 1);
    at = end + 1;
  }
  // Somebody of the same user to be hit by what must hit nobody.
  const pid_t victim = ::fork();
  if (victim == 0) {
    while (true) ::pause();
  }
  targets["victim"] = std::to_string(victim);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(test);
    attack(station, *chosen, targets);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::kill(victim, SIGKILL);
  ::waitpid(victim, nullptr, 0);
  return describe(status);
}

// ---- the server ----

int connect_to_test(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(9);
  return fd;
}

int serve(Role role, const std::string& path) {
  Station station{role, {}};
  if (role != Role::other) station.place = wait_for_welcome(role);
  const int test = connect_to_test(path);
  const std::string self = std::to_string(::getpid());
  ::send(test, self.data(), self.size(), MSG_NOSIGNAL);
  std::array<pollfd, 2> both = {{{test, POLLIN, 0}, {heritage::kMasterChannel, POLLIN, 0}}};
  while (::poll(both.data(), role == Role::other ? 1 : 2, -1) > 0 || errno == EINTR) {
    if (both[1].revents != 0) hear_master(role);
    if (both[0].revents == 0) continue;
    const std::string message = receive(test);
    if (message.empty()) return 0;
    const std::string answer = try_attack(station, message, test);
    ::send(test, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
  return 1;
}

std::string own_path() {
  std::array<char, 4096> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return {path.data(), size > 0 ? static_cast<size_t>(size) : 0};
}

}  // namespace
}  // namespace dmpm::red_team

int main(int count, char** arguments) {
  using namespace dmpm::red_team;
  ::signal(SIGPIPE, SIG_IGN);
  const std::string path = own_path();
  if (path.ends_with("/dmpm-dispatcher")) return serve(Role::dispatcher, path + ".socket");
  if (path.ends_with("/dmpm-keyholder")) return serve(Role::keyholder, path + ".socket");
  if (path.ends_with("/dmpm-logger")) return serve(Role::logger, path + ".socket");
  if (path.ends_with("/dmpm-metrics")) return serve(Role::metrics, path + ".socket");
  if (count == 3 && std::string_view(arguments[1]) == "serve") {
    return serve(Role::other, arguments[2]);
  }
  list();
}
