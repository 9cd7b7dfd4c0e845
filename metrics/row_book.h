// RowBook: the writer's way from a name to its row in a table of a segment.
//
// Rows are given in the order in which names come, one beside the other, and never to another name as
// long as the segment lives: so nothing has to be cleared, and a name that comes back goes on counting.
#pragma once

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "metrics/segment.h"

namespace dmpm::metrics {

template <typename Table>
class RowBook {
 public:
  using Row = typename Table::RowType;

  // Finds the rows that whoever wrote here before has given.
  explicit RowBook(Table& table) : table_(table) {
    const auto used = static_cast<uint32_t>(std::min<uint64_t>(table.used.get(), kMost));
    for (uint32_t row = 1; row <= used; ++row) rows_.emplace(table.rows[row].key.get(), row);
  }

  // The row of that name, given to it if need be; valid as long as the segment. Row 0 when there is no
  // room.
  Row& of(std::string_view name) {
    const uint64_t key = key_of(name);
    if (const auto found = rows_.find(key); found != rows_.end()) return table_.rows[found->second];
    const uint64_t row = table_.used.get() + 1;
    if (row > kMost) return none();
    table_.rows[row].key.set(key);
    table_.used.publish(row);
    rows_.emplace(key, static_cast<uint32_t>(row));
    return table_.rows[row];
  }
  Row& none() { return table_.rows[0]; }
  // Every row in use and row 0: for what is about now, and not so any more after a death.
  template <typename Change>
  void each(Change change) {
    change(none());
    for (const auto& [key, row] : rows_) change(table_.rows[row]);
  }

 private:
  static constexpr uint32_t kMost = Table::kRows - 1;
  Table& table_;
  std::unordered_map<uint64_t, uint32_t> rows_;
};

}  // namespace dmpm::metrics
