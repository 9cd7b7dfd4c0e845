// Dispatchers: the dispatcher services, what they inherit, and what all of them are told.
//
// They come in generations. One has a fixed set of listening sockets; for another set a new
// generation is started, and when all of it serves, the ones before drain:
//
//   starting ──all of it have the configuration──▶ current ──the next is current──▶ draining ──▶ gone
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "master/counts.h"
#include "master/dispatcher_peer.h"
#include "master/keyholder_link.h"
#include "master/limits.h"
#include "master/listeners.h"
#include "master/log_channels.h"
#include "master/metrics_memory.h"
#include "master/service.h"
#include "master/worker_services.h"

namespace dmpm::master {

class DispatchersHandler {
 public:
  // Every dispatcher of the newest generation has the newest configuration in force. After each
  // configure(), renew(), and death of one of them.
  virtual void on_dispatchers_ready() = 0;
  // After drain(): the last one has gone.
  virtual void on_dispatchers_ended() = 0;

 protected:
  ~DispatchersHandler() = default;
};

class Dispatchers final : public DispatcherLinks, private Deferred {
 public:
  struct Settings {
    std::string executable;
    std::string root;  // the directory with the workers' sockets
    config::Identity identity;
  };

  // `log_channels` are the dispatchers' ends of those to the logger. `groups` answer what dispatchers
  // ask.
  Dispatchers(EventLoop& loop, Children& children, Log& log, Settings settings,
              LogChannels log_channels, KeyholderLink& keyholder, const MetricsMemory& memory,
              Counts& counts, const RoutingFeed& feed, WorkerGroups& groups,
              DispatchersHandler& handler);
  ~Dispatchers();

  // How many numbers are free for a new generation.
  unsigned room() const;
  // Starts a new generation of at most room() processes.
  void renew(unsigned processes, std::vector<BoundListener> listeners);
  // Those of the newest generation.
  const std::vector<BoundListener>& listeners() const;
  // Across an upgrade. What take_over() finds is a generation like any other, to be followed by
  // renew() at once.
  void hand_over(Handover& to) const;
  void take_over(const Handover& from, std::vector<BoundListener> listeners);
  // What brings a dispatcher from the version before to the one that the feed has now.
  void configure(const std::vector<std::string>& notices);
  // True while on_dispatchers_ready() is to come.
  bool awaited() const { return awaited_; }
  void describe(StatusReport& report) const;
  void drain();
  void kill();

  void send(unsigned dispatcher, std::string_view notice) override;
  unsigned count() const override;

 private:
  struct Generation;
  class Slot;
  void on_configured();
  void on_ended();
  void run_deferred() override;

  EventLoop& loop_;
  Children& children_;
  Log& log_;
  const Settings settings_;
  const LogChannels log_channels_;
  KeyholderLink& keyholder_;
  const MetricsMemory& memory_;
  Counts& counts_;
  const RoutingFeed& feed_;
  WorkerGroups& groups_;
  DispatchersHandler& handler_;
  std::shared_ptr<const Generation> newest_;
  std::array<std::unique_ptr<Slot>, kMaxDispatchers> slots_;  // by number
  uint32_t version_ = 0;  // of the configuration in force; the first is 1
  bool awaited_ = true;
  bool draining_ = false;
};

}  // namespace dmpm::master
