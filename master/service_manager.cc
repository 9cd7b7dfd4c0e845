#include "master/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace dmpm::master {

namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// A path, or "@NAME" in the abstract namespace.
SocketAddress notify_address(std::string_view text) {
  SocketAddress address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  if (text.size() < 2 || text.size() >= sizeof un.sun_path) return address;
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, text.data(), text.size());
  if (text.front() == '@') un.sun_path[0] = '\0';
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
  return address;
}

}  // namespace

ServiceManager::ServiceManager(EventLoop& loop)
    : address_(notify_address(variable("NOTIFY_SOCKET"))), watchdog_(loop, *this) {
  if (address_.size == 0) return;
  socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto period = parse_decimal(variable("WATCHDOG_USEC"));
  const auto pid = parse_decimal(variable("WATCHDOG_PID"));
  if (!period || *period < 2'000 || (pid && *pid != static_cast<uint64_t>(::getpid()))) return;
  interval_ = Milliseconds(*period / 2'000);
  watchdog_.set(interval_);
}

void ServiceManager::notify(std::string_view lines) const {
  if (!socket_) return;
  // Lost when systemd does not read: the next one says as much.
  ::sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL, address_.get(), address_.size);
}

void ServiceManager::ready(std::string_view status) {
  notify(concat({"READY=1\nSTATUS=", status}));
}

void ServiceManager::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1'000;
  notify(concat({"RELOADING=1\nMONOTONIC_USEC=", std::to_string(microseconds)}));
}

void ServiceManager::stopping() {
  notify("STOPPING=1");
}

void ServiceManager::on_timer() {
  notify("WATCHDOG=1");
  watchdog_.set(interval_);
}

}  // namespace dmpm::master
