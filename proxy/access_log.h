// AccessLog: the records of finished exchanges on their way to the logger (logger/exchange_protocol.h).
//
// A record costs a copy; one message of many records leaves when it is full or kDelay old. Never blocks:
// messages that the logger does not take wait, at most kMaxWaiting of them, and further records are
// dropped and counted; the next message that gets through tells how many.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "logger/exchange_protocol.h"
#include "metrics/counter.h"

namespace dmpm {

class AccessLog final : private IoHandler, private Deadline {
 public:
  // `channel` is a SOCK_SEQPACKET socket. Records that are dropped count there, too.
  AccessLog(EventLoop& loop, DeadlineWheel& wheel, Fd channel, metrics::Counter& dropped);
  // Sends what it has, if the logger takes it.
  ~AccessLog();

  // Whether exchanges of no virtual host are logged, too.
  void log_unrouted(bool on) { unrouted_ = on; }
  bool logs_unrouted() const { return unrouted_; }

  // `texts` are the record's, of the sizes that it says.
  void append(const exchange_protocol::Record& record, std::string_view texts);
  // Since the start.
  uint64_t dropped() const { return dropped_; }

 private:
  // A message is sent when it is so large: when the next record might not fit. What the logger pays for
  // a message, mostly its waking up, is shared by some two hundred requests.
  static constexpr size_t kFull = exchange_protocol::kMaxMessage - 1024;
  static constexpr Milliseconds kDelay{100};
  static constexpr size_t kMaxWaiting = 4;

  void on_readable() override {}
  void on_writable() override;
  void on_deadline() override { flush(); }
  void flush();
  void drop(uint64_t records);
  // False: it has to wait. What can never be sent counts as dropped.
  bool send(std::string& message);

  DeadlineWheel& wheel_;
  Fd channel_;
  IoWatcher watcher_;
  std::string message_;              // being filled; empty, or a head and at least one record
  std::deque<std::string> waiting_;  // full ones, oldest first, while the logger takes none
  metrics::Counter& dropped_in_all_;
  uint64_t dropped_ = 0;
  uint64_t reported_ = 0;  // of these, told to the logger
  bool unrouted_ = false;
};

}  // namespace dmpm
