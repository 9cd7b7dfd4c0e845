// MetricsLink: dmpm-metrics' service, where it listens, and what it is told (metrics/protocol.h).
//
// It runs only with "metrics" in the configuration, which changes with an upgrade, not with a reload.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.h"
#include "base/log.h"
#include "config/configuration.h"
#include "master/counts.h"
#include "master/handover.h"
#include "master/metrics_memory.h"
#include "master/routing_feed.h"
#include "master/service.h"
#include "master/worker_services.h"

namespace dmpm::master {

// Where dmpm-metrics answers.
struct MetricsSockets {
  Fd local;  // RUNTIME/metrics.sock; none: metrics are off
  Fd port;   // on 127.0.0.1; none: not wanted
};
inline constexpr char kMetricsSocketName[] = "metrics.sock";

// Those that are wanted; `from` may have some of them already, of the master before.
Result<MetricsSockets> bind_metrics_sockets(const config::Configuration& configuration,
                                            MetricsSockets from = {});

class MetricsLink final : public TroubleListener, public ServiceHandler, public ChannelHandler {
 public:
  // `root` is an empty directory. All references outlive it.
  MetricsLink(EventLoop& loop, Children& children, Log& log, const std::string& executable,
              std::string root, MetricsSockets sockets, const MetricsMemory& memory,
              const RoutingFeed& feed, Counts& counts);

  void start();
  // Across an upgrade: dmpm-metrics of the master before ends, one of this version starts, if it is on.
  void hand_over(Handover& to) const;
  void take_over(const Handover& from);
  void describe(StatusReport& report) const;
  // What brings it from the version of the configuration before to the one that the feed has now: what
  // dispatchers are told, and the groups that are new or others (RoutingFeed::Update).
  void configure(const std::vector<std::string>& notices,
                 const std::vector<RoutingFeed::NumberedGroup>& groups);
  // Why a worker of that group failed.
  void trouble(std::string_view group, std::string_view reason) override;
  // For good.
  void stop();

 private:
  Result<Inheritance> on_service_starting() override;
  void on_service_ended() override;
  void on_message(std::string_view) override { service_.kill(); }
  void on_channel_closed(std::string_view) override { service_.kill(); }
  bool on() const { return static_cast<bool>(sockets_.local); }
  void welcome();
  void configure_whole();

  EventLoop& loop_;
  const std::string root_;
  const MetricsSockets sockets_;
  const MetricsMemory& memory_;
  const RoutingFeed& feed_;
  std::vector<Fd> inherited_;         // the memory to read, while a process is being started
  std::unique_ptr<Channel> channel_;  // while one runs
  Service service_;
};

}  // namespace dmpm::master
