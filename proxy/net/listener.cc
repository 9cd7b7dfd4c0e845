#include "proxy/net/listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "proxy/limits.h"

namespace dmpm::net {

namespace {
// Out of descriptors or at the cap: how long to leave connections in the kernel's queue.
constexpr Milliseconds kPause{100};
}  // namespace

Listener::Listener(EventLoop& loop, DeadlineWheel& wheel, Fd fd, bool tls, bool redirect_to_https,
                   ListenerOwner& owner)
    : wheel_(wheel),
      fd_(std::move(fd)),
      owner_(owner),
      watcher_(loop, fd_.get(), *this),
      tls_(tls),
      redirect_to_https_(redirect_to_https) {
  watcher_.watch_read(true);
}

void Listener::on_readable() {
  for (int i = 0; i < limits::kAcceptsPerRound; ++i) {
    if (!owner_.may_accept()) return pause("there are as many as there may be");
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    Fd fd(::accept4(fd_.get(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno == EAGAIN) return;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return pause(std::strerror(errno));
      }
      continue;  // the connection was aborted while it waited
    }
    owner_.on_accepted(std::move(fd), peer, tls_, redirect_to_https_);
  }
}

void Listener::pause(std::string_view reason) {
  watcher_.watch_read(false);
  wheel_.set(*this, kPause);
  owner_.on_accept_paused(reason);
}

void Listener::on_deadline() {
  if (!stopped_) watcher_.watch_read(true);
}

void Listener::stop() {
  stopped_ = true;
  watcher_.watch_read(false);
}

}  // namespace dmpm::net
