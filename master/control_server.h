// ControlServer: RUNTIME/control.sock, where root's commands arrive (master/control_protocol.h).
//
// A client cannot hold the master: it has kControlRequestTime to say what it wants, its answer waits
// in memory up to a cap, and it has kControlReadTime to take it. There are at most
// kMaxControlClients.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.h"
#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"
#include "master/control_protocol.h"

namespace dmpm::master {

class ControlHandler {
 public:
  // To be answered by finish(), now or later.
  virtual void on_command(uint32_t client, control_protocol::Command command) = 0;

 protected:
  ~ControlHandler() = default;
};

class ControlServer final : private IoHandler, private Deferred {
 public:
  // In place of one that an earlier master left.
  static Result<Fd> listen(const std::string& runtime_directory);

  // `listener` from listen(), of this master or the one that it upgrades.
  ControlServer(EventLoop& loop, DeadlineWheel& wheel, Fd listener, ControlHandler& handler);
  ~ControlServer();

  // A client that has gone is no longer known, and ignored.
  void send(uint32_t client, std::string_view items);
  void line(uint32_t client, std::string_view text);
  void finish(uint32_t client, bool done);

  int listener() const { return listener_.get(); }
  // Across an upgrade: the connection of a client that waits (-1: it has gone), and its return.
  int connection(uint32_t client) const;
  uint32_t adopt(Fd connection);

 private:
  class Client;
  void on_readable() override;
  void on_writable() override {}
  void run_deferred() override;
  uint32_t add(Fd connection);
  Client* find(uint32_t client) const;

  EventLoop& loop_;
  DeadlineWheel& wheel_;
  ControlHandler& handler_;
  const Fd listener_;
  IoWatcher watcher_;
  std::map<uint32_t, std::unique_ptr<Client>> clients_;
  uint32_t last_ = 0;
};

}  // namespace dmpm::master
