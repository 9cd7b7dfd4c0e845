// WarmWorkers: the idle workers that stay beyond their idle_timeout, because there is memory for
// them, so that the next first request of their sites meets a warm server.
//
// The budget is for all of them together. Whoever became idle last stays longest. When the machine
// is short of memory they give way whatever the budget says, half of them a second, the longest
// idle first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/event_loop.h"
#include "base/intrusive_list.h"

namespace dmpm::master {

class WarmWorkers;

// Something idle that holds memory.
class Warm : public ListNode<Warm> {
 public:
  // Its place among the warm ones is lost: it goes. Called from keep(), set_budget() and the timer.
  virtual void give_way() = 0;

 protected:
  ~Warm() = default;

 private:
  friend class WarmWorkers;
  uint64_t memory_ = 0;
};

class WarmWorkers final : public TimerHandler {
 public:
  // `is_short` says whether the machine lacks memory now.
  WarmWorkers(EventLoop& loop, bool (*is_short)()) : is_short_(is_short), timer_(loop, *this) {}

  // Bytes; 0: none stays.
  void set_budget(uint64_t bytes);
  // Takes it in as the last used one; others may have to give way. False: there is no room for it,
  // or it is larger than any one may be.
  bool keep(Warm& worker, uint64_t memory);
  // It is in use again, or on its way out. Nothing happens when it is not in here.
  void remove(Warm& worker);

  size_t size() const { return size_; }
  uint64_t memory() const { return memory_; }

 private:
  void on_timer() override;
  void shrink_to(uint64_t budget);
  void drop_oldest();

  bool (*const is_short_)();
  Timer timer_;
  IntrusiveList<Warm> workers_;  // the longest idle first
  size_t size_ = 0;
  uint64_t memory_ = 0, budget_ = 0;
};

}  // namespace dmpm::master
