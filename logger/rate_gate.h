// RateGate: lets so many lines a second into a file, counts the others, and says in one line how
// many there were.
#pragma once

#include <cstdint>

#include "base/event_loop.h"
#include "base/rate_limit.h"
#include "logger/log_file.h"

namespace dmpm {

class RateGate final : TimerHandler {
 public:
  // Reports go to `file`, which outlives the gate.
  RateGate(EventLoop& loop, LogFile& file, double per_second, double burst);
  ~RateGate() { report(); }

  // False: the line is not to be written; it is counted and reported within kReportDelay.
  bool admit();

 private:
  void on_timer() override { report(); }
  void report();

  EventLoop& loop_;
  LogFile& file_;
  const double per_second_;
  RateLimit limit_;
  Timer timer_;
  uint64_t dropped_ = 0;
};

}  // namespace dmpm
