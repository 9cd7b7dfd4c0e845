// What dmpm counts in: plain numbers in memory that one process writes and dmpm-metrics reads.
//
// One writer, so that adding is a load and a store and no locked instruction; a reader sees each number
// whole, some a moment earlier than others.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace dmpm::metrics {

class Counter {
 public:
  void add(uint64_t amount = 1) { set(get() + amount); }
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

  // For what says that other numbers are there.
  void publish(uint64_t value) { value_.store(value, std::memory_order_release); }
  uint64_t look() const { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<uint64_t> value_;
};
static_assert(sizeof(Counter) == 8 && std::atomic<uint64_t>::is_always_lock_free);

// Times, in buckets that are the same everywhere: a sum of histograms is one.
class Histogram {
 public:
  // Milliseconds; a time that is no more belongs to the first such bucket. The last one, behind them,
  // has no bound.
  static constexpr std::array<uint32_t, 10> kBounds{5,   10,  25,    50,    100,
                                                    250, 500, 1'000, 2'500, 10'000};
  static constexpr size_t kBuckets = kBounds.size() + 1;

  void observe(uint64_t milliseconds) {
    size_t bucket = 0;
    while (bucket < kBounds.size() && milliseconds > kBounds[bucket]) ++bucket;
    buckets_[bucket].add();
    sum_.add(milliseconds);
  }
  uint64_t count(size_t bucket) const { return buckets_[bucket].get(); }
  uint64_t sum() const { return sum_.get(); }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_;  // milliseconds
};

}  // namespace dmpm::metrics
