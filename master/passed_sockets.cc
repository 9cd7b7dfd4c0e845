#include "master/passed_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/socket.h"
#include "base/text.h"
#include "master/limits.h"

namespace dmpm::master {

namespace {

constexpr int kFirst = 3;

// How many were passed to this very process.
int passed() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr) return 0;
  if (parse_decimal(pid) != static_cast<uint64_t>(::getpid())) return 0;
  return static_cast<int>(std::min<uint64_t>(parse_decimal(count).value_or(0), kMaxPassedSockets));
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

// It listens, and on what the entry says.
bool serves(int fd, const config::Listener& entry) {
  const auto wanted = SocketAddress::parse_inet(entry.address);
  const auto bound = local_address(fd);
  return wanted && bound && option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1 &&
         bound.value().to_string() == wanted.value().to_string() &&
         (wanted.value().family() != AF_INET6 ||
          option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == (entry.address.starts_with('*') ? 0 : 1));
}

// As one of our own (listeners.cc).
void prepare(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

std::vector<BoundListener> take_passed_sockets(const std::vector<config::Listener>& wanted) {
  std::vector<BoundListener> taken;
  const int end = kFirst + passed();
  for (int number = kFirst; number < end; ++number) {
    auto fd = std::make_shared<const Fd>(number);
    ::fcntl(number, F_SETFD, FD_CLOEXEC);
    const auto entry =
        std::find_if(wanted.begin(), wanted.end(),
                     [number](const config::Listener& each) { return serves(number, each); });
    if (entry == wanted.end()) {
      ::dprintf(STDERR_FILENO, "dmpm-master: descriptor %d was passed, but no \"listen\" has it\n",
                number);
      continue;
    }
    prepare(number);
    const auto same = std::find_if(
        taken.begin(), taken.end(),
        [&entry](const BoundListener& listener) { return listener.address == entry->address; });
    BoundListener& listener = same == taken.end() ? taken.emplace_back() : *same;
    listener.address = entry->address;
    listener.sockets.push_back(std::move(fd));
  }
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return taken;
}

}  // namespace dmpm::master
