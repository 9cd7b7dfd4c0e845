// Groups: the groups of the configuration. A group that sleeps costs its settings; its pool is made
// when the first request comes.
#pragma once

#include <memory>
#include <unordered_map>

#include "proxy/forward/worker_pool.h"

namespace dmpm::forward {

class Groups {
 public:
  explicit Groups(PoolServices services) : services_(services) {}

  // New or changed.
  void set(uint32_t number, GroupSettings settings);
  // No new request is routed there; those in flight are finished.
  void remove(uint32_t number);

  // The group's pool, made if need be. Null for an unknown group. Pools live as long as this object,
  // but for those of removed groups, which end when they are quiet.
  WorkerPool* pool(uint32_t number);
  // The pool where there is one already.
  WorkerPool* existing_pool(uint32_t number);

 private:
  struct Group {
    GroupSettings settings;  // moved into the pool once there is one
    std::unique_ptr<WorkerPool> pool;
  };
  PoolServices services_;
  std::unordered_map<uint32_t, Group> groups_;
  std::unordered_map<uint32_t, std::unique_ptr<WorkerPool>> removed_;
};

}  // namespace dmpm::forward
