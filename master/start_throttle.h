// StartThrottle: starts of workers over all groups, at a limited rate and in order of arrival.
#pragma once

#include "base/event_loop.h"
#include "base/intrusive_list.h"
#include "base/rate_limit.h"
#include "master/limits.h"

namespace dmpm::master {

// Leaves the queue by unlinking itself.
class Startable : public ListNode<Startable> {
 public:
  virtual void start_now() = 0;

 protected:
  ~Startable() = default;
};

class StartThrottle final : public TimerHandler {
 public:
  StartThrottle(EventLoop& loop, double per_second, double burst)
      : loop_(loop), rate_(per_second, burst), timer_(loop, *this) {}

  // Calls start_now() at once when nothing waits and the rate allows, otherwise later.
  void request(Startable& worker) {
    if (queue_.empty() && rate_.take(loop_.now())) return worker.start_now();
    queue_.push_back(worker);
    if (!timer_.pending()) timer_.set(kStartRetry);
  }

 private:
  void on_timer() override {
    while (!queue_.empty() && rate_.take(loop_.now())) queue_.pop_front().start_now();
    if (!queue_.empty() && !timer_.pending()) timer_.set(kStartRetry);
  }

  EventLoop& loop_;
  RateLimit rate_;
  IntrusiveList<Startable> queue_;
  Timer timer_;
};

}  // namespace dmpm::master
