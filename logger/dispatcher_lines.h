// DispatcherLines: the lines that the dispatchers send, read from the channel they share.
//
// Nothing on this channel is trusted: a line that does not name a dispatcher as its speaker is
// marked, and no message, malformed or too large, ends the reading (base/channel.h would close).
#pragma once

#include <string_view>

#include "base/event_loop.h"
#include "base/fd.h"
#include "logger/log_file.h"
#include "logger/rate_gate.h"

namespace dmpm {

class DispatcherLines final : IoHandler {
 public:
  // `fd` is a SOCK_SEQPACKET socket; `file` outlives this.
  DispatcherLines(EventLoop& loop, Fd fd, LogFile& file);

  // Reads what is in the channel, for the last time.
  void drain();

 private:
  void on_readable() override;
  void on_writable() override {}
  // At most `count` messages.
  void read_messages(int count);
  void on_message(std::string_view message, bool truncated);

  Fd fd_;
  bool empty_ = false;  // a message without a byte came, or the channel's end
  LogFile& file_;
  RateGate gate_;
  IoWatcher watcher_;
};

}  // namespace dmpm
