// Allowance: how much of the dispatcher's time somebody, a client's address or a group, may take before
// others go first (Priority).
//
// Work is estimated in microseconds of a small server's processor: what counts is who takes much
// more than others, not how much exactly.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/event_loop.h"

namespace dmpm {

// ---- estimates ----
inline constexpr unsigned kHandshakeWork = 150;
// Of a request, with its response: parsed, routed, written to a worker, read, encrypted.
inline constexpr unsigned kRequestWork = 10;
// A read or write and what it carries: a system call, and copies and ciphers for each so many bytes.
inline constexpr unsigned kTransferWork = 2;
inline constexpr unsigned kBytesOfWork = 2048;
// Of a head: decoded, checked, copied.
inline constexpr unsigned kHeadBytesOfWork = 512;

// `PerMillisecond` is its part of a processor, in thousandths. Who takes more waits only for others, not
// for an empty machine.
template <int64_t PerMillisecond>
class Allowance {
 public:
  void charge(Instant now, unsigned work) {
    refill(now);
    left_ -= std::min<int64_t>(left_ + kMostOwed, work);
  }
  // It has taken more than its part.
  bool overdrawn(Instant now) {
    refill(now);
    return left_ < 0;
  }

 private:
  // For a while it may take all: half a second's part at once.
  static constexpr int64_t kBurst = 500 * PerMillisecond;
  static constexpr int64_t kMostOwed =
      1000 * PerMillisecond;  // so that it is forgotten in a second

  void refill(Instant now) {
    left_ = std::min(kBurst, left_ + (now - since_).count() * PerMillisecond);
    since_ = now;
  }
  int64_t left_ = kBurst;
  Instant since_{};
};

}  // namespace dmpm
