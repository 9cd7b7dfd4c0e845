// DeadlineWheel: deadlines that cost one store to move, for what every request touches.
//
// The wheel is an array of slots, one for each tick of time to come. A deadline lies in the slot of
// its *earliest known* time; moving it later only writes the new time, and when the slot comes due
// the wheel files it anew. Deadlines fire up to one tick late, never early.
#pragma once

#include <array>
#include <cstddef>

#include "base/event_loop.h"
#include "base/intrusive_list.h"

namespace dmpm {

class Deadline : public ListNode<Deadline> {
 public:
  // Called once, unlinked; may set the deadline again or destroy its owner.
  virtual void on_deadline() = 0;

 protected:
  ~Deadline() = default;

 private:
  friend class DeadlineWheel;
  Instant at_{};     // when it is due
  Instant filed_{};  // the time by which its slot was chosen: never later than at_
};

class DeadlineWheel final : public TimerHandler {
 public:
  static constexpr Milliseconds kTick{100};

  explicit DeadlineWheel(EventLoop& loop) : loop_(loop), timer_(loop, *this), last_(loop.now()) {}

  void set(Deadline& deadline, Milliseconds delay);
  static void cancel(Deadline& deadline) { deadline.unlink(); }

 private:
  static constexpr size_t kSlots = 512;  // 51.2 s ahead; what is further goes round again
  using Slot = IntrusiveList<Deadline>;

  void on_timer() override;
  void file(Deadline& deadline);
  static size_t slot_of(Instant time) {
    return static_cast<size_t>(time.time_since_epoch() / kTick) % kSlots;
  }

  EventLoop& loop_;
  Timer timer_;
  Instant last_;  // all slots up to this time are done
  std::array<Slot, kSlots> slots_;
  bool turning_ = false;  // on_timer() is at work
};

}  // namespace dmpm
