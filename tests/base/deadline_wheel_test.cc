#include "base/deadline_wheel.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <vector>

using dmpm::Deadline;
using dmpm::DeadlineWheel;
using dmpm::EventLoop;
using dmpm::Instant;
using dmpm::Milliseconds;

namespace {

Instant clock_now() {
  return std::chrono::time_point_cast<Milliseconds>(std::chrono::steady_clock::now());
}

// Takes down when it fires.
class Alarm final : public Deadline {
 public:
  explicit Alarm(std::function<void()> then = {}) : then_(std::move(then)) {}
  void on_deadline() override {
    ++count;
    fired = clock_now();
    if (then_) then_();
  }

  int count = 0;
  Instant fired{};

 private:
  std::function<void()> then_;
};

// Ends the loop's run, so that a test waits for events and not for ever.
class Watchdog final : private dmpm::TimerHandler {
 public:
  Watchdog(EventLoop& loop, Milliseconds longest) : loop_(loop), timer_(loop, *this) {
    timer_.set(longest);
  }

 private:
  void on_timer() override { loop_.stop(); }
  EventLoop& loop_;
  dmpm::Timer timer_;
};

constexpr Milliseconds kTick = DeadlineWheel::kTick;
// What a busy machine may add.
constexpr Milliseconds kSlack{150};

}  // namespace

TEST_CASE("deadlines fire never early and soon after they are due") {
  EventLoop loop;
  DeadlineWheel wheel(loop);
  Watchdog watchdog(loop, Milliseconds(5000));
  int left = 40;
  struct Set {
    std::unique_ptr<Alarm> alarm;
    Instant due;
  };
  std::vector<Set> sets;
  for (int i = 0; i < 40; ++i) {
    sets.push_back({std::make_unique<Alarm>([&] {
                      if (--left == 0) loop.stop();
                    }),
                    loop.now() + Milliseconds(7 * i)});
    wheel.set(*sets.back().alarm, Milliseconds(7 * i));
  }
  loop.run();
  for (const Set& set : sets) {
    REQUIRE(set.alarm->count == 1);
    CHECK(set.alarm->fired >= set.due);
    CHECK(set.alarm->fired <= set.due + 2 * kTick + kSlack);
  }
}

// A slow round: the wheel's timer comes late, with the clock in the next slot already. Whatever is
// set in a callback then must not make the wheel pass over that slot.
TEST_CASE("a deadline that is set in the callback of another delays nobody") {
  EventLoop loop;
  DeadlineWheel wheel(loop);
  Watchdog watchdog(loop, Milliseconds(3000));
  Alarm* again = nullptr;
  Alarm first([&] {
    if (again->count == 1) wheel.set(*again, Milliseconds(10'000));
  });
  again = &first;
  Alarm second([&] { loop.stop(); });
  const Instant start = loop.now();
  wheel.set(first, Milliseconds(0));
  // The first boundary between two slots behind the wheel's first turn at start + kTick.
  const Instant turn = start + kTick;
  const Instant boundary = turn + (kTick - turn.time_since_epoch() % kTick);
  wheel.set(second, boundary - start - Milliseconds(1));
  while (clock_now() < boundary) {
  }
  loop.run();
  CHECK(first.count == 1);
  CHECK(second.count == 1);
  DeadlineWheel::cancel(first);
}

TEST_CASE("moved later, moved earlier, cancelled") {
  EventLoop loop;
  DeadlineWheel wheel(loop);
  Watchdog watchdog(loop, Milliseconds(3000));
  Alarm later, earlier, cancelled, last([&] { loop.stop(); });
  const Instant start = loop.now();
  wheel.set(later, Milliseconds(50));
  wheel.set(later, Milliseconds(400));
  wheel.set(earlier, Milliseconds(40'000));
  wheel.set(earlier, Milliseconds(100));
  wheel.set(cancelled, Milliseconds(50));
  DeadlineWheel::cancel(cancelled);
  wheel.set(last, Milliseconds(700));
  loop.run();
  CHECK(last.count == 1);
  CHECK(later.count == 1);
  CHECK(later.fired >= start + Milliseconds(400));
  CHECK(earlier.count == 1);
  CHECK(earlier.fired <= start + Milliseconds(100) + 2 * kTick + kSlack);
  CHECK(cancelled.count == 0);
}

TEST_CASE("a deadline beyond the wheel's turn does not fire on the way") {
  EventLoop loop;
  DeadlineWheel wheel(loop);
  Watchdog watchdog(loop, Milliseconds(500));
  Alarm far;
  wheel.set(far, Milliseconds(3'600'000));
  loop.run();
  CHECK(far.count == 0);
  CHECK(far.linked());
}

TEST_CASE("a callback may destroy what else is due") {
  EventLoop loop;
  DeadlineWheel wheel(loop);
  Watchdog watchdog(loop, Milliseconds(2000));
  auto second = std::make_unique<Alarm>();
  Alarm first([&] {
    second.reset();
    loop.stop();
  });
  wheel.set(first, Milliseconds(10));
  wheel.set(*second, Milliseconds(10));
  loop.run();
  CHECK(first.count == 1);
}
