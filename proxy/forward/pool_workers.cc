#include "proxy/forward/pool_workers.h"

#include <algorithm>

namespace dmpm::forward {

PoolWorker& PoolWorkers::add(uint32_t number) {
  PoolWorker& worker = *list_.emplace_back(std::make_unique<PoolWorker>());
  worker.number = number;
  return worker;
}

PoolWorker* PoolWorkers::find(uint32_t number) const {
  for (const auto& worker : list_) {
    if (worker->number == number) return worker.get();
  }
  return nullptr;
}

void PoolWorkers::remove(const PoolWorker& worker) {
  std::erase_if(list_, [&worker](const auto& owned) { return owned.get() == &worker; });
}

PoolWorker* PoolWorkers::best() const {
  PoolWorker* best = nullptr;
  for (const auto& worker : list_) {
    if (worker->full()) continue;
    if (best == nullptr || worker->rank() < best->rank() ||
        (worker->rank() == best->rank() && worker->busy < best->busy)) {
      best = worker.get();
    }
  }
  return best;
}

bool PoolWorkers::crowded() const {
  return std::none_of(list_.begin(), list_.end(),
                      [](const auto& worker) { return worker->at_ease() && !worker->spent; });
}

PoolWorker* PoolWorkers::one_too_many(size_t most) const {
  PoolWorker* newest = nullptr;
  size_t ease = 0;  // of the others
  for (const auto& worker : list_) {
    if (worker->resting || worker->spent) continue;
    if (newest != nullptr) ease += std::min(newest->share.at_once, newest->share.connections);
    newest = worker.get();
  }
  return ease > 0 && most <= ease - ease / 4 ? newest : nullptr;
}

}  // namespace dmpm::forward
