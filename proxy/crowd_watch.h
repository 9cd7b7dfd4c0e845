// CrowdWatch: gives memory back to the system after a crowd of connections has left.
//
// The C library keeps what was freed for the next allocations, and hands back only what lies at the
// heap's end: after a thousand slow readers that is nearly nothing.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstddef>

#include "base/deadline_wheel.h"

namespace dmpm {

class CrowdWatch final : private Deadline {
 public:
  explicit CrowdWatch(DeadlineWheel& wheel) : wheel_(wheel) {}

  // After each change of the number of connections.
  void on_count(size_t connections) {
    most_ = std::max(most_, connections);
    if (most_ < kCrowd || connections > most_ / 2) return;
    most_ = connections;
    wheel_.set(*this, kDelay);
  }

 private:
  // Fewer hold too little to be worth the walk through the heap (about a millisecond for 100 MB).
  static constexpr size_t kCrowd = 200;
  // So that one walk serves all who leave together.
  static constexpr Milliseconds kDelay{1'000};

  void on_deadline() override { ::malloc_trim(0); }

  DeadlineWheel& wheel_;
  size_t most_ = 0;  // since the last time
};

}  // namespace dmpm
