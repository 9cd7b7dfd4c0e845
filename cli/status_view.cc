#include "cli/status_view.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <compare>

#include "base/text.h"

namespace dmpm::cli {

using control_protocol::GroupState;

namespace {

constexpr std::array<std::string_view, 9> kSortKeys{
    "name", "state", "workers", "in-flight", "queued", "starts", "failures", "memory", "cpu"};
constexpr std::array<std::pair<std::string_view, GroupState>, 4> kStates{
    {{"asleep", GroupState::asleep},
     {"awake", GroupState::awake},
     {"backing-off", GroupState::backing_off},
     {"leaving", GroupState::leaving}}};

uint64_t value_of(const Status::Group& group, SortKey key) {
  switch (key) {
    case SortKey::name: return 0;
    // What needs a look comes first.
    case SortKey::state: return static_cast<uint64_t>(group.state);
    case SortKey::workers: return group.workers.size();
    case SortKey::in_flight: return group.in_flight;
    case SortKey::queued: return group.queued;
    case SortKey::starts: return group.starts;
    case SortKey::failures: return group.failures;
    case SortKey::memory: return group.memory;
    case SortKey::cpu: return group.cpu_ms;
  }
  return 0;
}

}  // namespace

std::string_view to_string(SortKey key) {
  return kSortKeys[static_cast<size_t>(key)];
}

Result<StatusView> StatusView::from(const Options& options) {
  StatusView view;
  view.pattern = options.value_or("--group", "");
  view.workers = options.has("--workers");
  if (const std::string* wanted = options.value("--sort")) {
    const auto* found = std::find(kSortKeys.begin(), kSortKeys.end(), *wanted);
    if (found == kSortKeys.end()) {
      return Error{
          "--sort must be name, state, workers, in-flight, queued, starts, failures, memory "
          "or cpu"};
    }
    view.sort = static_cast<SortKey>(found - kSortKeys.begin());
  }
  if (const std::string* wanted = options.value("--state")) {
    const auto* found = std::find_if(kStates.begin(), kStates.end(),
                                     [&](const auto& each) { return each.first == *wanted; });
    if (found == kStates.end()) {
      return Error{"--state must be asleep, awake, backing-off or leaving"};
    }
    view.state = found->second;
  }
  return view;
}

void StatusView::sort_by_next() {
  sort = static_cast<SortKey>((static_cast<size_t>(sort) + 1) % kSortKeys.size());
}

void StatusView::choose(Status& status) const {
  std::erase_if(status.groups, [this](const Status::Group& group) {
    return (state && group.state != *state) ||
           (!pattern.empty() && ::fnmatch(pattern.c_str(), group.name.c_str(), 0) != 0);
  });
}

void StatusView::order(Status& status) const {
  std::sort(status.groups.begin(), status.groups.end(),
            [this](const Status::Group& a, const Status::Group& b) {
              const uint64_t left = value_of(a, sort), right = value_of(b, sort);
              return left != right ? left > right : a.name < b.name;
            });
}

}  // namespace dmpm::cli
