// Segments: the counters of all processes, to be read.
//
// Whoever writes them may be in foreign hands: what is found is numbers, and every place is checked.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "metrics/mapping.h"
#include "metrics/segment.h"

namespace dmpm::metrics {

// From a key to its row. A row that was found once is looked at again each time.
template <typename Table>
class TableIndex {
 public:
  using Row = typename Table::RowType;
  explicit TableIndex(const Table& table) : table_(table) {}

  // Learns the rows that were given since.
  void refresh() {
    const uint64_t used = std::min<uint64_t>(table_.used.look(), Table::kRows - 1);
    for (; seen_ < used; ++seen_) {
      rows_.emplace(table_.rows[seen_ + 1].key.get(), static_cast<uint32_t>(seen_ + 1));
    }
  }
  // Null: nothing was counted.
  const Row* find(uint64_t key) const {
    const auto found = rows_.find(key);
    if (found == rows_.end()) return nullptr;
    const Row& row = table_.rows[found->second];
    return row.key.get() == key ? &row : nullptr;
  }

 private:
  const Table& table_;
  uint64_t seen_ = 0;
  std::unordered_map<uint64_t, uint32_t> rows_;
};

class Segments {
 public:
  using Master = Mapping<const MasterSegment>;
  using Dispatcher = Mapping<const DispatcherSegment>;
  Segments(Master master, std::vector<Dispatcher> dispatchers);

  // Before each answer: rows that are new, dispatchers that were started for the first time.
  void refresh();

  const MasterSegment& master() const { return *master_; }
  // Those that were ever started, in the order of their numbers.
  struct Active {
    uint32_t number;
    const DispatcherSegment* segment;
    // Its process is there: what it says of now is so.
    bool up;
  };
  const std::vector<Active>& dispatchers() const { return active_; }

  // The row of that name with one of them; null: nothing was counted.
  const GroupRow* find_group(uint32_t dispatcher, uint64_t key) const {
    return all_[dispatcher].groups.find(key);
  }
  const HostRow* find_host(uint32_t dispatcher, uint64_t key) const {
    return all_[dispatcher].hosts.find(key);
  }
  const WorkerRow* find_workers(uint64_t key) const { return workers_.find(key); }

 private:
  struct Indexed {
    explicit Indexed(Dispatcher segment)
        : memory(std::move(segment)), groups(memory->groups), hosts(memory->hosts) {}
    Dispatcher memory;
    TableIndex<const decltype(DispatcherSegment::groups)> groups;
    TableIndex<const decltype(DispatcherSegment::hosts)> hosts;
  };
  Master master_;
  TableIndex<const decltype(MasterSegment::workers)> workers_;
  std::vector<Indexed> all_;
  std::vector<Active> active_;
};

// "keyholder", "dispatcher 3", ...
std::string service_name(uint32_t place);

}  // namespace dmpm::metrics
