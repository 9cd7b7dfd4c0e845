// ExchangeChannel: what the dispatchers tell of their exchanges, read from the channel they share.
//
// Nothing on it is trusted, and nothing ends the reading: what is malformed is counted. That and what
// the dispatchers had to drop is reported in dmpm.log.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/event_loop.h"
#include "base/fd.h"
#include "logger/access_logs.h"
#include "logger/log_file.h"

namespace dmpm {

// What must have been heard before.
class MasterFirst {
 public:
  virtual void hear_master() = 0;

 protected:
  ~MasterFirst() = default;
};

class ExchangeChannel final : IoHandler, TimerHandler {
 public:
  // `fd` is a SOCK_SEQPACKET socket. `logs` and `reports` outlive this.
  ExchangeChannel(EventLoop& loop, Fd fd, MasterFirst& master, AccessLogs& logs, LogFile& reports);
  ~ExchangeChannel() { report(); }

  // Reads what is in the channel, for the last time.
  void drain();

 private:
  void on_readable() override;
  void on_writable() override {}
  void on_timer() override { report(); }
  void read_messages(int count);
  void on_message(std::string_view message, bool truncated);
  void report();

  Fd fd_;
  MasterFirst& master_;
  AccessLogs& logs_;
  LogFile& reports_;
  std::vector<char> bytes_;
  uint64_t dropped_ = 0, malformed_ = 0;  // since the last report
  Timer timer_;
  IoWatcher watcher_;
};

}  // namespace dmpm
