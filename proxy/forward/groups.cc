#include "proxy/forward/groups.h"

namespace dmpm::forward {

void Groups::set(uint32_t number, GroupSettings settings) {
  Group& group = groups_[number];
  if (group.pool != nullptr) {
    group.pool->change_settings(std::move(settings));
  } else {
    group.settings = std::move(settings);
  }
}

void Groups::remove(uint32_t number) {
  const auto it = groups_.find(number);
  if (it == groups_.end()) return;
  if (it->second.pool != nullptr && !it->second.pool->quiet()) {
    removed_.emplace(number, std::move(it->second.pool));
  }
  groups_.erase(it);
  std::erase_if(removed_, [](const auto& entry) { return entry.second->quiet(); });
}

WorkerPool* Groups::pool(uint32_t number) {
  const auto it = groups_.find(number);
  if (it == groups_.end()) return nullptr;
  Group& group = it->second;
  if (group.pool == nullptr) {
    group.pool = std::make_unique<WorkerPool>(services_, number, std::move(group.settings));
  }
  return group.pool.get();
}

WorkerPool* Groups::existing_pool(uint32_t number) {
  if (const auto it = groups_.find(number); it != groups_.end()) return it->second.pool.get();
  if (const auto it = removed_.find(number); it != removed_.end()) return it->second.get();
  return nullptr;
}

}  // namespace dmpm::forward
