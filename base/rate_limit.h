// RateLimit: a token bucket. Holds `burst` tokens, refilled at `per_second`.
#pragma once

#include <algorithm>

#include "base/event_loop.h"

namespace dmpm {

class RateLimit {
 public:
  RateLimit(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  // Takes that many tokens; false when there are not so many, and then takes none.
  bool take(Instant now, double count = 1) {
    const std::chrono::duration<double> passed = now - last_;
    if (passed.count() > 0) tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    last_ = now;
    if (tokens_ < count) return false;
    tokens_ -= count;
    return true;
  }
  // Gives back what was taken for something that need not have been.
  void give_back(double count) { tokens_ = std::min(burst_, tokens_ + count); }

 private:
  double per_second_, burst_, tokens_;
  Instant last_{};
};

}  // namespace dmpm
