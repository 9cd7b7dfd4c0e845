#include "cli/status.h"

#include <algorithm>

#include "cli/control.h"

namespace dmpm::cli {

using control_protocol::GroupState;
using control_protocol::Item;

bool Status::add(Item item, WireReader& reader) {
  if (item == Item::master) {
    pid = reader.u32();
    age_ms = reader.u64();
    phase = reader.string();
    configuration_file = reader.string();
  } else if (item == Item::service) {
    Service& service = services.emplace_back();
    service.name = reader.string();
    service.pid = reader.u32();
    service.age_ms = reader.u64();
    service.failures = reader.u32();
    service.last_failure = reader.string();
  } else if (item == Item::group) {
    Group& group = groups.emplace_back();
    group.name = reader.string();
    group.state = static_cast<GroupState>(reader.u32());
    group.starts = reader.u64();
    group.failures = reader.u64();
    group.last_failure = reader.string();
    group.retry_ms = reader.u64();
    for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
      Worker& worker = group.workers.emplace_back();
      worker.number = reader.u32();
      worker.pid = reader.u32();
      worker.age_ms = reader.u64();
      worker.state = reader.string();
    }
  } else if (item == Item::group_usage && !groups.empty()) {
    groups.back().cpu_ms = reader.u64();
  } else {
    return false;
  }
  return true;
}

const Status::Group* Status::group(std::string_view name) const {
  const auto found = std::find_if(groups.begin(), groups.end(),
                                  [name](const Group& group) { return group.name == name; });
  return found == groups.end() ? nullptr : &*found;
}

Result<Status> ask_status(const std::string& runtime_directory) {
  Status status;
  auto answer =
      ask(runtime_directory,
          {control_protocol::Command::status,
           [&status](Item item, WireReader& reader) { return status.add(item, reader); }, false});
  if (!answer) return answer.error();
  if (answer->done) return status;
  return Error{answer->lines.empty() ? "the master does not say why not" : answer->lines.front()};
}

std::string_view to_string(GroupState state) {
  switch (state) {
    case GroupState::asleep: return "asleep";
    case GroupState::awake: return "awake";
    case GroupState::backing_off: return "backing off";
    case GroupState::leaving: return "leaving";
  }
  return "unknown";
}

}  // namespace dmpm::cli
