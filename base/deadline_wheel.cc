#include "base/deadline_wheel.h"

#include <algorithm>

namespace dmpm {

void DeadlineWheel::set(Deadline& deadline, Milliseconds delay) {
  deadline.at_ = loop_.now() + std::max(delay, Milliseconds(0));
  if (deadline.linked() && deadline.filed_ <= deadline.at_) return;  // filed anew when it comes up
  if (!turning_ && !timer_.pending()) {
    last_ = loop_.now();  // the wheel stood still while it was empty
    timer_.set(kTick);
  }
  file(deadline);
}

void DeadlineWheel::file(Deadline& deadline) {
  // A whole tick later than due, so that a slot that comes up holds nothing that is not due yet.
  const Instant earliest = loop_.now() + kTick;
  const Instant latest = loop_.now() + kTick * static_cast<int>(kSlots - 2);
  deadline.filed_ = std::clamp(deadline.at_ + kTick, earliest, latest);
  slots_[slot_of(deadline.filed_)].push_back(deadline);
  // filed_ is compared with at_ by set(): store the time itself, not the tick after it.
  deadline.filed_ = std::min(deadline.filed_, deadline.at_);
}

void DeadlineWheel::on_timer() {
  turning_ = true;
  Slot due;
  for (Instant time = last_ + kTick; time <= loop_.now(); time += kTick) {
    due.take(slots_[slot_of(time)]);
    last_ = time;
  }
  while (!due.empty()) {
    Deadline& deadline = due.pop_front();
    if (deadline.at_ <= loop_.now()) {
      deadline.on_deadline();
    } else {
      file(deadline);
    }
  }
  turning_ = false;
  for (const Slot& slot : slots_) {
    if (!slot.empty()) {
      timer_.set(kTick);
      return;
    }
  }
}

}  // namespace dmpm
