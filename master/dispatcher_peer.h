// DispatcherPeer: one dispatcher process as the master sees it, from its start to its end.
//
//   configuring ──first `configured`──▶ serving ──drain()──▶ draining ──`drained`──▶ done
//        └─────────────────────────────────┴─────────────────────┴──offence──▶ done
//
// What it says is gossip. The table in dispatcher_peer.cc has what it may ask, when and how often;
// anything else is an offence and ends it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/channel.h"
#include "base/rate_limit.h"
#include "config/configuration.h"
#include "master/handover.h"
#include "master/protocol.h"
#include "master/worker_groups.h"

namespace dmpm::master {

class DispatcherPeerHandler {
 public:
  // The configuration is in force there, up to confirmed().
  virtual void on_configured() = 0;
  // Kill it. Nothing that it says is heard any more.
  virtual void on_offence(std::string_view what) = 0;

 protected:
  ~DispatcherPeerHandler() = default;
};

class DispatcherPeer final : public ChannelHandler {
 public:
  // `number` counts from 0. All references outlive it.
  DispatcherPeer(EventLoop& loop, Fd channel, unsigned number, WorkerGroups& groups,
                 DispatcherPeerHandler& handler);

  // Instead of welcome() and configure(): a process that the master before had. It is not told of
  // changes of the configuration any more, since it is about to drain.
  void take_over(const Handover::Dispatcher& record);
  void hand_over(Handover::Dispatcher& record) const;

  void welcome(const std::string& root, const config::Identity& identity,
               const std::vector<uint32_t>& listener_flags);
  // Notices that bring it to `version`.
  void configure(const std::vector<std::string>& notices, uint32_t version);
  void send(std::string_view notice) { channel_.send(notice); }
  // A connection that waits for its next request is given `idle` for it.
  void drain(Milliseconds idle);
  // The version that it said it is at; 0: none yet.
  uint32_t confirmed() const { return confirmed_; }

 private:
  enum Phase : unsigned { configuring = 1, serving = 2, draining = 4, done = 8 };
  using Handler = Offence (DispatcherPeer::*)(const protocol::Request&);
  struct Rule {
    protocol::RequestType type;
    unsigned phases;
    double per_second, burst;
    Handler handler;
  };
  static constexpr size_t kRuleCount = 8;
  static const std::array<Rule, kRuleCount> kRules;
  static std::vector<RateLimit> make_limits();

  void on_message(std::string_view message) override;
  void on_channel_closed(std::string_view reason) override;
  Offence judge(std::string_view message);
  void offend(std::string_view what);

  Offence configured(const protocol::Request& request);
  Offence want_worker(const protocol::Request& request);
  Offence worker_idle(const protocol::Request& request);
  Offence worker_released(const protocol::Request& request);
  Offence worker_busy(const protocol::Request& request);
  Offence worker_in_use(const protocol::Request& request);
  Offence worker_spent(const protocol::Request& request);
  Offence drained(const protocol::Request& request);

  EventLoop& loop_;
  const unsigned number_;
  WorkerGroups& groups_;
  DispatcherPeerHandler& handler_;
  std::vector<RateLimit> limits_;  // parallel to kRules
  Phase phase_ = configuring;
  uint32_t confirmed_ = 0;
  bool taken_over_ = false;
  uint32_t first_ = 0;  // the versions that it was sent
  uint32_t sent_ = 0;
  Channel channel_;
};

}  // namespace dmpm::master
