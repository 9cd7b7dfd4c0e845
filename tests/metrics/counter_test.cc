#include "metrics/counter.h"

#include <doctest/doctest.h>

using dmpm::metrics::Counter;
using dmpm::metrics::Histogram;

TEST_CASE("a counter counts") {
  Counter counter{};
  counter.add();
  counter.add(41);
  CHECK(counter.get() == 42);
}

TEST_CASE("a time belongs to the first bucket that it does not exceed") {
  Histogram histogram{};
  const std::pair<uint64_t, size_t> times[] = {{0, 0},      {5, 0},       {6, 1},
                                               {10, 1},     {100, 4},     {101, 5},
                                               {10'000, 9}, {10'001, 10}, {99'999'999, 10}};
  uint64_t sum = 0;
  for (const auto& time : times) {
    CAPTURE(time.first);
    const uint64_t before = histogram.count(time.second);
    histogram.observe(time.first);
    CHECK(histogram.count(time.second) == before + 1);
    CHECK(histogram.sum() == (sum += time.first));
  }
}
