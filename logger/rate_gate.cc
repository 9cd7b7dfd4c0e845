#include "logger/rate_gate.h"

#include <string>

#include "base/text.h"
#include "logger/limits.h"

namespace dmpm {

RateGate::RateGate(EventLoop& loop, LogFile& file, Rate lines, Rate bytes)
    : loop_(loop),
      file_(file),
      line_rate_(lines),
      byte_rate_(bytes),
      lines_(lines.per_second, lines.burst),
      bytes_(bytes.per_second, bytes.burst),
      timer_(loop, *this) {}

bool RateGate::admit(size_t size) {
  // A line that is too much for the bytes costs a line all the same: it had to be read.
  const bool admitted = lines_.take(loop_.now());
  if (admitted && bytes_.take(loop_.now(), static_cast<double>(size))) return true;
  ++dropped_;
  dropped_bytes_ += size;
  if (!timer_.pending()) timer_.set(logger_limits::kReportDelay);
  return false;
}

void RateGate::report() {
  if (dropped_ == 0) return;
  const auto whole = [](double number) { return std::to_string(static_cast<uint64_t>(number)); };
  file_.say(LogLevel::warning,
            concat({std::to_string(dropped_), " lines dropped: more than ",
                    whole(line_rate_.per_second), " lines or ", whole(byte_rate_.per_second),
                    " bytes a second; they had ", std::to_string(dropped_bytes_), " bytes"}));
  dropped_ = dropped_bytes_ = 0;
}

}  // namespace dmpm
