// PoolWorkers: a group's workers as its pool knows them, oldest first, and which of them comes next.
// Knows neither sockets nor time; WorkerPool alone uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/intrusive_list.h"
#include "proxy/forward/worker_connection.h"

namespace dmpm::forward {

// What of a worker is this dispatcher's.
struct WorkerShare {
  uint32_t connections = 1;
  uint32_t at_once = std::numeric_limits<uint32_t>::max();  // requests, that leave it at ease
  uint32_t requests = 0;                                    // then it is spent; 0: never
};

struct PoolWorker {
  uint32_t number = 0;
  WorkerShare share;
  std::string socket;
  size_t connections = 0;  // open, busy or idle
  size_t busy = 0;
  uint64_t served = 0;   // requests, those in flight too
  Instant idle_since{};  // when busy is 0
  Instant ready_since{};
  bool answered = false;
  bool idle_reported = false;
  bool resting = false;                  // one too many for what there is to do
  bool spent = false;                    // has served its requests
  IntrusiveList<WorkerConnection> idle;  // the last used first

  bool at_ease() const { return busy < share.at_once; }
  bool full() const { return busy >= share.connections; }
  // Who comes first: at ease, resting, not at ease, spent.
  int rank() const { return spent ? 3 : !at_ease() ? 2 : resting ? 1 : 0; }
};

class PoolWorkers {
 public:
  using List = std::vector<std::unique_ptr<PoolWorker>>;

  bool empty() const { return list_.empty(); }
  size_t size() const { return list_.size(); }
  List::const_iterator begin() const { return list_.begin(); }
  List::const_iterator end() const { return list_.end(); }

  PoolWorker& add(uint32_t number);
  // Null: there is none.
  PoolWorker* find(uint32_t number) const;
  void remove(const PoolWorker& worker);

  // For one more request: the least busy one of the best rank; among equals the oldest, so that the newest
  // become idle. Null: all are full.
  PoolWorker* best() const;
  // None is at ease.
  bool crowded() const;
  // The one that could be done without while no more than `most` requests are in flight, with a quarter
  // of the others' ease left free, so that the next small rise does not need it again. Null: none.
  PoolWorker* one_too_many(size_t most) const;

 private:
  List list_;
};

}  // namespace dmpm::forward
