#include "master/warm_workers.h"

#include "master/limits.h"

namespace dmpm::master {

void WarmWorkers::set_budget(uint64_t bytes) {
  budget_ = bytes;
  shrink_to(budget_);
}

bool WarmWorkers::keep(Warm& worker, uint64_t memory) {
  remove(worker);
  if (memory > budget_ / kWarmShare || budget_ == 0 || is_short_()) return false;
  shrink_to(budget_ - memory);
  worker.memory_ = memory;
  workers_.push_back(worker);
  ++size_;
  memory_ += memory;
  if (!timer_.pending()) timer_.set(kPressureLook);
  return true;
}

void WarmWorkers::remove(Warm& worker) {
  if (!worker.linked()) return;
  worker.unlink();
  --size_;
  memory_ -= worker.memory_;
}

void WarmWorkers::shrink_to(uint64_t budget) {
  while (memory_ > budget || (budget_ == 0 && size_ > 0)) drop_oldest();
}

void WarmWorkers::drop_oldest() {
  Warm& oldest = workers_.front();
  remove(oldest);
  oldest.give_way();
}

void WarmWorkers::on_timer() {
  if (size_ > 0 && is_short_()) {
    for (size_t go = (size_ + 1) / 2; go > 0 && size_ > 0; --go) drop_oldest();
  }
  if (size_ > 0) timer_.set(kPressureLook);
}

}  // namespace dmpm::master
