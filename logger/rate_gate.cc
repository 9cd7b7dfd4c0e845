#include "logger/rate_gate.h"

#include <string>

#include "base/text.h"
#include "logger/limits.h"

namespace dmpm {

RateGate::RateGate(EventLoop& loop, LogFile& file, double per_second, double burst)
    : loop_(loop),
      file_(file),
      per_second_(per_second),
      limit_(per_second, burst),
      timer_(loop, *this) {}

bool RateGate::admit() {
  if (limit_.take(loop_.now())) return true;
  ++dropped_;
  if (!timer_.pending()) timer_.set(logger_limits::kReportDelay);
  return false;
}

void RateGate::report() {
  if (dropped_ == 0) return;
  file_.say(LogLevel::warning,
            concat({std::to_string(dropped_), " lines dropped: more than ",
                    std::to_string(static_cast<uint64_t>(per_second_)), " lines a second"}));
  dropped_ = 0;
}

}  // namespace dmpm
