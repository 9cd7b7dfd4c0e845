// Listener: one inherited listening socket: accepts what waits there.
#pragma once

#include <string_view>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "base/socket.h"

namespace dmpm::net {

class ListenerOwner {
 public:
  // A new connection; `tls` and `redirect_to_https` as configured.
  virtual void on_accepted(Fd fd, const SocketAddress& peer, bool tls, bool redirect_to_https) = 0;
  // Whether another connection may be accepted now.
  virtual bool may_accept() = 0;
  // Nothing is accepted for a moment: what comes waits in the kernel.
  virtual void on_accept_paused(std::string_view reason) = 0;

 protected:
  ~ListenerOwner() = default;
};

class Listener final : private IoHandler, private Deadline {
 public:
  Listener(EventLoop& loop, DeadlineWheel& wheel, Fd fd, bool tls, bool redirect_to_https,
           ListenerOwner& owner);

  bool tls() const { return tls_; }
  int fd() const { return fd_.get(); }
  // Accepts nothing more; what waits in the kernel is left to the successor.
  void stop();

 private:
  void on_readable() override;
  void on_writable() override {}
  void on_deadline() override;
  void pause(std::string_view reason);

  DeadlineWheel& wheel_;
  Fd fd_;
  ListenerOwner& owner_;
  IoWatcher watcher_;
  const bool tls_;
  const bool redirect_to_https_;
  bool stopped_ = false;
};

}  // namespace dmpm::net
