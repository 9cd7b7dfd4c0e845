// RateGate: lets so many lines and bytes a second into a file, counts the others, and says in one line
// how many there were.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/event_loop.h"
#include "base/rate_limit.h"
#include "logger/log_file.h"

namespace dmpm {

class RateGate final : TimerHandler {
 public:
  struct Rate {
    double per_second, burst;
  };
  // Reports go to `file`, which outlives the gate.
  RateGate(EventLoop& loop, LogFile& file, Rate lines, Rate bytes);
  ~RateGate() { report(); }

  // False: the line of so many bytes is not to be written; it is counted and reported within
  // kReportDelay.
  bool admit(size_t size);

 private:
  void on_timer() override { report(); }
  void report();

  EventLoop& loop_;
  LogFile& file_;
  const Rate line_rate_, byte_rate_;
  RateLimit lines_, bytes_;
  Timer timer_;
  uint64_t dropped_ = 0;
  uint64_t dropped_bytes_ = 0;
};

}  // namespace dmpm
