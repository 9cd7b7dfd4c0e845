// WorkerPipe: the reading end of a FIFO that holds what one worker says on its standard error.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"
#include "logger/line_splitter.h"
#include "logger/log_file.h"
#include "logger/rate_gate.h"

namespace dmpm {

class WorkerPipe final : IoHandler, TimerHandler, LineSink {
 public:
  // `path` is relative to `directory`; file and gate are the group's. All outlive the pipe.
  WorkerPipe(EventLoop& loop, int directory, std::string path, LogFile& file, RateGate& gate);
  // Reads what is still in the pipe, at most kMaxDrain bytes.
  ~WorkerPipe();

  // Opens the FIFO and watches it. Called once by the owner, and again by the pipe itself when the
  // last writer has gone: a FIFO opened anew is quiet until there is one. Where descriptors are
  // missing it tries again until there are some; meanwhile the FIFO keeps what it can hold.
  Status open();
  bool tries_again() const { return pause_.pending(); }

 private:
  void on_readable() override;
  void on_writable() override {}
  void on_timer() override;
  void on_line(std::string_view line, bool continued) override;

  // What read(2) says: 0 when nobody holds the pipe for writing, below 0 when nothing is there yet.
  ssize_t read_once();

  EventLoop& loop_;
  const int directory_;
  const std::string path_;
  LogFile& file_;
  RateGate& gate_;
  LineSplitter splitter_;
  Fd fd_;
  std::optional<IoWatcher> watcher_;  // of fd_
  Timer pause_;
  bool over_rate_ = false;  // since the last pause
};

}  // namespace dmpm
