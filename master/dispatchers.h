// Dispatchers: the dispatcher services, what they inherit, and what all of them are told.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "master/dispatcher_peer.h"
#include "master/service.h"
#include "master/worker_services.h"

namespace dmpm::master {

class DispatchersHandler {
 public:
  // Every dispatcher has said for the first time that the configuration is in force there.
  virtual void on_dispatchers_ready() = 0;
  // After drain(): the last one has gone.
  virtual void on_dispatchers_ended() = 0;

 protected:
  ~DispatchersHandler() = default;
};

class Dispatchers final : public DispatcherLinks {
 public:
  struct Settings {
    unsigned processes;
    std::string executable;
    std::string root;  // the directory with the workers' sockets
    config::Identity identity;
  };

  // `log_channel` is the dispatchers' end of their channel to the logger.
  Dispatchers(EventLoop& loop, Children& children, Log& log, Settings settings,
              std::vector<BoundListener> listeners, Fd log_channel, const RoutingFeed& feed,
              DispatchersHandler& handler);
  ~Dispatchers();

  // `groups` answer what dispatchers ask; they outlive the dispatchers.
  void start(WorkerGroups& groups);
  // What brings a dispatcher from the version before to the one that the feed has now.
  void configure(const std::vector<std::string>& notices);
  void drain();
  void kill();

  void send(unsigned dispatcher, std::string_view notice) override;
  unsigned count() const override { return settings_.processes; }

 private:
  class Slot;
  void on_configured();
  void on_ended();

  EventLoop& loop_;
  Children& children_;
  Log& log_;
  const Settings settings_;
  const std::vector<BoundListener> listeners_;
  const Fd log_channel_;
  const RoutingFeed& feed_;
  DispatchersHandler& handler_;
  WorkerGroups* groups_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  uint32_t version_ = 0;  // of the configuration in force; the first is 1
  unsigned ready_ = 0;    // slots that were configured at least once
  bool draining_ = false;
};

}  // namespace dmpm::master
