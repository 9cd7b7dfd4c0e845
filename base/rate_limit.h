// RateLimit: a token bucket. Holds `burst` tokens, refilled at `per_second`.
#pragma once

#include <algorithm>

#include "base/event_loop.h"

namespace dmpm {

class RateLimit {
 public:
  RateLimit(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  // Takes a token; false when there is none.
  bool take(Instant now) {
    const std::chrono::duration<double> passed = now - last_;
    if (passed.count() > 0) tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    last_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double per_second_, burst_, tokens_;
  Instant last_{};
};

}  // namespace dmpm
