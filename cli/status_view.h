// StatusView: which groups of a status are shown, in which order, and as what text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/status.h"

namespace dmpm::cli {

enum class SortKey { name, state, workers, in_flight, queued, starts, failures, memory, cpu };
std::string_view to_string(SortKey key);

struct StatusView {
  SortKey sort = SortKey::name;
  std::string pattern;  // of shell, for names of groups; empty: all
  std::optional<control_protocol::GroupState> state;
  bool workers = false;  // a line for each
  bool colours = false;

  // Of the options --sort, --group, --state and --workers. The error says what one must be.
  static Result<StatusView> from(const Options& options);
  // The next key, for a live screen.
  void sort_by_next();

  // Leaves what is to be shown. The numbers that others add (usage, load) are not needed for that.
  void choose(Status& status) const;
  // By name, or the largest number first.
  void order(Status& status) const;
};

// Processor time of each group at an earlier moment, to tell what it uses now.
struct EarlierUsage {
  std::unordered_map<std::string, uint64_t> cpu_ms;
  uint64_t ms_ago = 0;
};

// Lines without newlines. `all` counts groups before view.choose(). `earlier` may be null.
struct StatusText {
  std::vector<std::string> head;    // processes, and the groups in numbers
  std::vector<std::string> groups;  // the titles first; empty when none is shown
};
struct GroupCounts {
  size_t groups = 0, workers = 0;
  size_t in_state[4] = {};  // by GroupState
  explicit GroupCounts(const Status& status);
};
StatusText to_text(const Status& status, const GroupCounts& all, const StatusView& view,
                   const EarlierUsage* earlier);

}  // namespace dmpm::cli
