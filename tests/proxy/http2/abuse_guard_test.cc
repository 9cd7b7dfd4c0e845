#include "proxy/http2/abuse_guard.h"

#include <doctest/doctest.h>

using dmpm::Instant;
using dmpm::Milliseconds;
using dmpm::http2::AbuseGuard;

namespace {

constexpr Instant kStart{Milliseconds(1'000'000)};

// How many of `calls` are allowed.
template <typename Call>
int count(int calls, Call call) {
  int allowed = 0;
  for (int i = 0; i < calls; ++i) allowed += call() ? 1 : 0;
  return allowed;
}

}  // namespace

TEST_CASE("a page's worth of resets is allowed, a rapid reset is not") {
  AbuseGuard guard;
  CHECK(count(200, [&] { return guard.allow_reset(kStart); }) == 200);
  CHECK(count(1000, [&] { return guard.allow_reset(kStart); }) == 0);
  const Instant later = kStart + Milliseconds(1000);
  CHECK(count(1000, [&] { return guard.allow_reset(later); }) == 20);
  // Each budget is its own.
  CHECK(guard.allow_useless_frame(later));
  CHECK(guard.allow_window_update(later));
}

TEST_CASE("useless frames") {
  AbuseGuard guard;
  CHECK(count(1000, [&] { return guard.allow_useless_frame(kStart); }) == 400);
  CHECK(count(1000, [&] { return guard.allow_useless_frame(kStart + Milliseconds(500)); }) == 10);
}

TEST_CASE("a budget does not grow beyond its burst") {
  AbuseGuard guard;
  CHECK(count(1000, [&] { return guard.allow_reset(kStart); }) == 200);
  const Instant days = kStart + std::chrono::hours(100);
  CHECK(count(1000, [&] { return guard.allow_reset(days); }) == 200);
}

TEST_CASE("window updates are free for a client that is sent something") {
  AbuseGuard guard;
  const auto update = [&] { return guard.allow_window_update(kStart); };
  const auto updates_for = [&](size_t bytes, bool whole) {
    guard.note_data_sent(bytes, whole);
    return count(100, update);
  };
  CHECK(count(10'000, update) == 5000);
  CHECK(updates_for(16'384, false) == 16);
  CHECK(updates_for(16'384, true) == 16);
  // An answer of a few bytes, or pieces of one that the client's window cuts.
  CHECK(updates_for(1, true) == 2);
  CHECK(updates_for(1, false) == 0);
}
