// Family: one metric with its heading and how its lines are made. families.cc has the list.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/names.h"
#include "metrics/segments.h"

namespace dmpm::metrics {

using GroupRows = std::vector<const GroupRow*>;  // one for each dispatcher, null where it has none
using HostRows = std::vector<const HostRow*>;    // the same

// What a family's lines are made of.
struct Item {
  const Segments& segments;
  const std::vector<Segments::Active>& dispatchers;
  const Listing& listing;
  size_t number = 0;
  std::string_view name;   // of the group or host; empty: of requests for none
  std::string_view group;  // of the host
  GroupRows groups;
  HostRows hosts;
  const WorkerRow* workers = nullptr;

  uint64_t all(Counter DispatcherSegment::*member) const {
    uint64_t total = 0;
    for (const auto& dispatcher : dispatchers) total += (dispatcher.segment->*member).get();
    return total;
  }
  // Of what is now: the dead do not count.
  uint64_t now(Counter GroupRow::*member) const {
    uint64_t total = 0;
    for (size_t i = 0; i < dispatchers.size(); ++i) {
      if (dispatchers[i].up && groups[i] != nullptr) total += (groups[i]->*member).get();
    }
    return total;
  }
  bool counted() const {
    return std::any_of(groups.begin(), groups.end(),
                       [](const auto* row) { return row != nullptr; });
  }
};

// What a family's lines are for: one for all, or some for each service, group or virtual host.
enum class Scope { all, service, group, host };

struct Family {
  std::string_view name, kind, help;
  Scope scope;
  std::function<void(std::string_view name, const Item& item, std::string& out)> append;
};

const std::vector<Family>& families();

}  // namespace dmpm::metrics
