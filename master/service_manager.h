// ServiceManager: tells who started the master (systemd) how it is, as sd_notify(3) does: datagrams
// of "NAME=VALUE" lines to $NOTIFY_SOCKET. Nothing happens without one.
//
// With WatchdogSec= the loop itself reports twice in that time: a master that hangs is restarted.
#pragma once

#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/socket.h"

namespace dmpm::master {

class ServiceManager final : private TimerHandler {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; the environment is left as it is, for the
  // master after an upgrade.
  explicit ServiceManager(EventLoop& loop);

  // `status` is one line.
  void ready(std::string_view status);
  void reloading();
  void stopping();

 private:
  void on_timer() override;
  void notify(std::string_view lines) const;

  SocketAddress address_;
  Fd socket_;  // none: nobody wants to know
  Milliseconds interval_{};
  Timer watchdog_;
};

}  // namespace dmpm::master
