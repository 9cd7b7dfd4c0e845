#include "base/rate_limit.h"

#include <doctest/doctest.h>

using dmpm::Instant;
using dmpm::Milliseconds;
using dmpm::RateLimit;

namespace {

int take_all(RateLimit& limit, Instant now) {
  int count = 0;
  while (limit.take(now) && count < 1000) ++count;
  return count;
}

}  // namespace

TEST_CASE("a burst, then the rate") {
  const Instant start{Milliseconds(1'000'000)};
  RateLimit limit(10, 5);
  CHECK(take_all(limit, start) == 5);
  CHECK(take_all(limit, start + Milliseconds(99)) == 0);
  CHECK(take_all(limit, start + Milliseconds(100)) == 1);
  CHECK(take_all(limit, start + Milliseconds(350)) == 2);
  CHECK(take_all(limit, start + Milliseconds(400)) == 1);  // halves are not lost
  CHECK(take_all(limit, start + Milliseconds(3'600'000)) == 5);
}

TEST_CASE("a clock that stands still or goes back gives nothing") {
  const Instant start{Milliseconds(1'000'000)};
  RateLimit limit(1000, 1);
  CHECK(limit.take(start));
  CHECK_FALSE(limit.take(start));
  CHECK_FALSE(limit.take(start - Milliseconds(500)));
}
