// run_until: an event loop that a test runs until what it waits for has come.
#pragma once

#include <functional>

#include "base/event_loop.h"

namespace dmpm::test {

class Poller final : TimerHandler {
 public:
  Poller(EventLoop& loop, const std::function<bool()>& condition)
      : loop_(loop), condition_(condition), timer_(loop, *this) {
    timer_.set(Milliseconds(0));
  }
  bool held() const { return held_; }

 private:
  void on_timer() override {
    held_ = condition_();
    if (held_ || --rounds_left_ == 0) return loop_.stop();
    timer_.set(Milliseconds(1));
  }
  EventLoop& loop_;
  const std::function<bool()>& condition_;
  Timer timer_;
  int rounds_left_ = 10'000;
  bool held_ = false;
};

// Runs the loop until `condition` holds; false after 10 s.
inline bool run_until(EventLoop& loop, const std::function<bool()>& condition) {
  const Poller poller(loop, condition);
  loop.run();
  return poller.held();
}

}  // namespace dmpm::test
