// WorkerGroup, what it tells of itself to `dmpm status`.
#include <algorithm>
#include <string_view>

#include "master/control_protocol.h"
#include "master/limits.h"
#include "master/worker_group.h"

namespace dmpm::master {

using control_protocol::GroupState;
using control_protocol::Item;

namespace {

std::string_view to_string(WorkerState state) {
  using enum WorkerState;
  switch (state) {
    case queued: return "queued";
    case starting: return "starting";
    case running: return "running";
    case releasing: return "releasing";
    case stopping: return "stopping";
    case ended: return "ended";
  }
  return "";
}

uint64_t ms(Milliseconds time) {
  return static_cast<uint64_t>(std::max<int64_t>(0, time.count()));
}

}  // namespace

void WorkerGroup::describe(StatusReport& report) const {
  const bool backing_off = now() < not_before_;
  const auto workers =
      static_cast<uint32_t>(std::min<size_t>(kMaxWorkersReported, workers_.size()));
  GroupState state = workers_.empty() ? GroupState::asleep : GroupState::awake;
  if (backing_off) state = GroupState::backing_off;
  if (retired_) state = GroupState::leaving;
  WireWriter& writer = report.item(Item::group)
                           .string(group_->name)
                           .u32(static_cast<uint32_t>(state))
                           .u64(starts_)
                           .u64(failed_)
                           .string(std::string_view(failure_).substr(0, kMaxReasonReported))
                           .u64(backing_off ? ms(not_before_ - now()) : 0)
                           .u32(workers);
  for (uint32_t i = 0; i < workers; ++i) {
    const Worker& worker = *workers_[i];
    const bool runs = worker.has_process();
    writer.u32(worker.number())
        .u32(runs ? static_cast<uint32_t>(worker.pid()) : 0)
        .u64(runs ? ms(worker.age()) : 0)
        .string(to_string(worker.state()));
  }
  if (cpu_us_ >= 1000) report.item(Item::group_usage).u64(cpu_us_ / 1000);
}

}  // namespace dmpm::master
