#include "master/worker_groups.h"

#include <algorithm>

namespace dmpm::master {

namespace {
constexpr Milliseconds kSweep{1'000};  // removed groups are looked at this often
}

void WorkerGroups::put(uint32_t number, const config::Group& group) {
  last_ = std::max(last_, number);
  auto& place = groups_[number];
  if (place) {
    place->adopt(group);
  } else {
    place = std::make_unique<WorkerGroup>(services_, group, number);
  }
}

void WorkerGroups::remove(uint32_t number) {
  if (WorkerGroup* group = find(number)) {
    group->retire();
    removed_.push_back(number);
    services_.wheel.set(*this, kSweep);
  }
}

WorkerGroup* WorkerGroups::find(uint32_t number) const {
  const auto found = groups_.find(number);
  return found == groups_.end() ? nullptr : found->second.get();
}

void WorkerGroups::forget_dispatcher(unsigned d) {
  for (const auto& [number, group] : groups_) group->forget_dispatcher(d);
}

void WorkerGroups::ensure_minimum() {
  for (const auto& [number, group] : groups_) group->ensure_minimum();
}

void WorkerGroups::stop_all() {
  services_.closing = true;
  for (const auto& [number, group] : groups_) group->stop_all();
}

void WorkerGroups::describe(StatusReport& report) const {
  for (const auto& [number, group] : groups_) group->describe(report);
}

void WorkerGroups::on_deadline() {
  std::erase_if(removed_, [this](uint32_t number) {
    if (!find(number)->finished()) return false;
    groups_.erase(number);
    return true;
  });
  if (!removed_.empty()) services_.wheel.set(*this, kSweep);
}

}  // namespace dmpm::master
