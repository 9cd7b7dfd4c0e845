#include "logger/exchange_channel.h"

#include <sys/socket.h>

#include <algorithm>

#include "base/text.h"
#include "logger/limits.h"

namespace dmpm {

ExchangeChannel::ExchangeChannel(EventLoop& loop, Fd fd, MasterFirst& master, AccessLogs& logs,
                                 LogFile& reports)
    : fd_(std::move(fd)),
      master_(master),
      logs_(logs),
      reports_(reports),
      bytes_(exchange_protocol::kMaxMessage),
      timer_(loop, *this),
      watcher_(loop, fd_.get(), *this) {
  watcher_.watch_read(true);
}

void ExchangeChannel::on_readable() {
  // A virtual host that a dispatcher names was told by the master before the dispatcher knew of it.
  master_.hear_master();
  read_messages(logger_limits::kExchangeMessages);
}

void ExchangeChannel::drain() {
  read_messages(logger_limits::kMaxLastMessages);
}

void ExchangeChannel::read_messages(int count) {
  for (; count > 0; --count) {
    // As in DispatcherLines, an empty message may be the channel's end, which is the master's business.
    const ssize_t size = ::recv(fd_.get(), bytes_.data(), bytes_.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0) return;
    if (size == 0) continue;
    const size_t got = std::min(static_cast<size_t>(size), bytes_.size());
    on_message({bytes_.data(), got}, got < static_cast<size_t>(size));
  }
}

void ExchangeChannel::on_message(std::string_view message, bool truncated) {
  ExchangeReader reader(message);
  if (truncated || reader.broken()) {
    ++malformed_;
  } else {
    logs_.begin_message();
    while (const auto exchange = reader.next()) logs_.write(*exchange);
    malformed_ += reader.malformed();
    dropped_ += std::min(reader.dropped(), logger_limits::kMostDropped);
  }
  if ((dropped_ > 0 || malformed_ > 0) && !timer_.pending()) {
    timer_.set(logger_limits::kReportDelay);
  }
}

void ExchangeChannel::report() {
  if (dropped_ > 0) {
    reports_.say(LogLevel::warning,
                 concat({std::to_string(dropped_),
                         " requests are missing from the access logs: the logger was too slow"}));
  }
  if (malformed_ > 0) {
    reports_.say(LogLevel::warning, concat({std::to_string(malformed_),
                                            " malformed records of requests from a dispatcher"}));
  }
  dropped_ = malformed_ = 0;
}

}  // namespace dmpm
