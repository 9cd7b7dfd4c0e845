#include "master/logger_link.h"

#include "base/wire.h"
#include "logger/protocol.h"
#include "master/limits.h"

namespace dmpm::master {

using logger_protocol::LoggerNotice;

namespace {
WireWriter notice(LoggerNotice kind) {
  WireWriter writer;
  writer.u32(static_cast<uint32_t>(kind));
  return writer;
}
}  // namespace

LoggerLink::LoggerLink(EventLoop& loop, Children& children, Log& log, const std::string& executable,
                       const config::Configuration& configuration, LogChannels channels,
                       const RoutingFeed& feed, Counts& counts, LoggerLinkHandler& handler)
    : loop_(loop),
      handler_(handler),
      directory_(configuration.log_directory),
      identity_(configuration.logger),
      dispatchers_(std::move(channels)),
      feed_(feed),
      service_(loop, children, log, "logger", executable, *this,
               counts.service(metrics::kLoggerPlace)) {}

Result<Inheritance> LoggerLink::on_service_starting() {
  auto pair = Channel::pair();
  if (!pair) return pair.error();
  channel_ = std::make_unique<Channel>(loop_, std::move(pair->ours), *this, kMaxQueuedForLogger);
  channel_->send(notice(LoggerNotice::welcome)
                     .u32(identity_.uid)
                     .u32(identity_.gid)
                     .string(directory_)
                     .bytes());
  for (const auto& [id, log] : open_) say_open(id, log);
  configure(feed_.access_logs());
  return Inheritance{std::move(pair->theirs),
                     {dispatchers_.lines.get(), dispatchers_.exchanges.get()}};
}

void LoggerLink::hand_over(Handover& to) const {
  to.logger_dispatchers = dispatchers_.lines.get();
  to.logger_exchanges = dispatchers_.exchanges.get();
  if (!channel_ || !service_.up()) return;
  to.logger_pid = static_cast<uint32_t>(service_.pid());
  to.logger_age = static_cast<uint64_t>(service_.age().count());
  to.logger_channel = channel_->fd();
}

void LoggerLink::take_over(const Handover& from) {
  if (from.logger_pid == 0) return start();
  channel_ = std::make_unique<Channel>(loop_, Fd(from.logger_channel), *this, kMaxQueuedForLogger);
  service_.take_over(static_cast<pid_t>(from.logger_pid), Milliseconds(from.logger_age));
  service_.renew();
  channel_->send(notice(LoggerNotice::stop).bytes());
}

void LoggerLink::on_service_ended() {
  channel_.reset();
  if (stopping_) handler_.on_logger_stopped();
}

// The logger has nothing to say to the master.
void LoggerLink::on_message(std::string_view) {
  service_.kill();
}

void LoggerLink::on_channel_closed(std::string_view) {
  if (!stopping_ && !service_.renewing()) service_.kill();
}

void LoggerLink::say_open(uint32_t id, const OpenLog& log) {
  if (!channel_) return;
  channel_->send(
      notice(LoggerNotice::open_worker_log).u32(id).string(log.group).string(log.pipe).bytes());
}

void LoggerLink::open_worker_log(uint32_t id, const std::string& group, const std::string& pipe) {
  const auto added = open_.insert_or_assign(id, OpenLog{group, pipe}).first;
  say_open(id, added->second);
}

void LoggerLink::close_worker_log(uint32_t id) {
  if (open_.erase(id) == 0 || !channel_) return;
  channel_->send(notice(LoggerNotice::close_worker_log).u32(id).bytes());
}

void LoggerLink::configure(const std::vector<std::string>& notices) {
  if (!channel_) return;
  for (const std::string& notice : notices) channel_->send(notice);
}

void LoggerLink::reopen() {
  if (channel_) channel_->send(notice(LoggerNotice::reopen).bytes());
}

bool LoggerLink::line(LogLevel level, std::string_view text) {
  return channel_ &&
         channel_->try_send(
             notice(LoggerNotice::line).u32(static_cast<uint32_t>(level)).string(text).bytes());
}

void LoggerLink::stop() {
  stopping_ = true;
  service_.retire();
  if (channel_) channel_->send(notice(LoggerNotice::stop).bytes());
  if (!service_.up()) handler_.on_logger_stopped();
}

}  // namespace dmpm::master
