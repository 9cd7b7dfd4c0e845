// LoggerLink: the logger's service and what it is told (logger/protocol.h).
//
// A logger that starts anew is told of every worker's log that is open, and of the access logs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/channel.h"
#include "base/log.h"
#include "config/configuration.h"
#include "master/counts.h"
#include "master/handover.h"
#include "master/log_channels.h"
#include "master/routing_feed.h"
#include "master/service.h"
#include "master/worker_log.h"

namespace dmpm::master {

class LoggerLinkHandler {
 public:
  // After stop(): the logger has gone.
  virtual void on_logger_stopped() = 0;

 protected:
  ~LoggerLinkHandler() = default;
};

class LoggerLink final : public WorkerLogReader, public ServiceHandler, public ChannelHandler {
 public:
  // `channels` are the logger's ends of those to the dispatchers.
  LoggerLink(EventLoop& loop, Children& children, Log& log, const std::string& executable,
             const config::Configuration& configuration, LogChannels channels,
             const RoutingFeed& feed, Counts& counts, LoggerLinkHandler& handler);

  void start() { service_.start(); }
  // Across an upgrade. The logger of the master before writes what it has and ends; then one of this
  // version starts.
  void hand_over(Handover& to) const;
  void take_over(const Handover& from);
  void open_worker_log(uint32_t id, const std::string& group, const std::string& pipe) override;
  void close_worker_log(uint32_t id) override;
  void describe(StatusReport& report) const { service_.describe(report); }
  // What brings the logger from the version before to the one that the feed has now.
  void configure(const std::vector<std::string>& notices);
  void reopen();
  // False when it had to be dropped.
  bool line(LogLevel level, std::string_view text);
  // Asks the logger to write what it has and to exit; killed when it does not.
  void stop();

 private:
  struct OpenLog {
    std::string group, pipe;
  };

  Result<Inheritance> on_service_starting() override;
  void on_service_ended() override;
  void on_message(std::string_view message) override;
  void on_channel_closed(std::string_view reason) override;
  void say_open(uint32_t id, const OpenLog& log);

  EventLoop& loop_;
  LoggerLinkHandler& handler_;
  const std::string directory_;
  const config::Identity identity_;
  const LogChannels dispatchers_;
  const RoutingFeed& feed_;
  std::map<uint32_t, OpenLog> open_;
  std::unique_ptr<Channel> channel_;  // while a logger runs
  bool stopping_ = false;
  Service service_;
};

}  // namespace dmpm::master
