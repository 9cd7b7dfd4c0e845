// A status as text for a terminal.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/status_view.h"
#include "cli/table.h"
#include "cli/text.h"

namespace dmpm::cli {

using control_protocol::GroupState;

namespace {

Style style_of(GroupState state) {
  switch (state) {
    case GroupState::asleep: return Style::dim;
    case GroupState::awake: return Style::good;
    case GroupState::backing_off: return Style::bad;
    case GroupState::leaving: return Style::warning;
  }
  return Style::plain;
}

// Zeros are not worth a look.
Table::Cell number(uint64_t value, Style style = Style::plain) {
  return {std::to_string(value), value == 0 ? Style::dim : style};
}

Table::Cell state_of(const Status::Group& group) {
  std::string text(to_string(group.state));
  if (group.state == GroupState::backing_off) text += concat({" ", duration(group.retry_ms)});
  return {std::move(text), style_of(group.state)};
}

// What of one processor it has used since `earlier`.
Table::Cell share_of(const Status::Group& group, const EarlierUsage& earlier) {
  const auto before = earlier.cpu_ms.find(group.name);
  const uint64_t was = before == earlier.cpu_ms.end() ? group.cpu_ms : before->second;
  const uint64_t used = group.cpu_ms - std::min(was, group.cpu_ms);
  const uint64_t percent = earlier.ms_ago == 0 ? 0 : used * 100 / earlier.ms_ago;
  return {concat({std::to_string(percent), "%"}), percent == 0 ? Style::dim : Style::plain};
}

Table services_of(const Status& status) {
  Table table({{"PROCESS"}, {"PID", true}, {"AGE", true}, {"FAILURES", true}, {"LAST FAILURE"}});
  table.add({{"master"}, {std::to_string(status.pid)}, {duration(status.age_ms)}, number(0), {""}});
  for (const Status::Service& service : status.services) {
    const bool down = service.pid == 0;
    table.add({{printable(service.name)},
               down ? Table::Cell{"down", Style::bad} : Table::Cell{std::to_string(service.pid)},
               {down ? "" : duration(service.age_ms)},
               number(service.failures, Style::warning),
               {printable(service.last_failure)}});
  }
  return table;
}

void add_workers(Table& table, const Status::Group& group) {
  for (const Status::Worker& worker : group.workers) {
    std::string text = concat({"  worker ", std::to_string(worker.number), " ", worker.state});
    if (worker.pid != 0) {
      text += concat({", pid ", std::to_string(worker.pid), ", ", duration(worker.age_ms)});
    }
    table.add({{std::move(text)}});
  }
}

Table groups_of(const Status& status, const StatusView& view, const EarlierUsage* earlier) {
  std::vector<Table::Column> columns{{"GROUP"},           {"STATE"},        {"WORKERS", true},
                                     {"IN FLIGHT", true}, {"QUEUED", true}, {"STARTS", true},
                                     {"FAILURES", true},  {"MEMORY", true}, {"CPU", true}};
  if (earlier != nullptr) columns.push_back({"%CPU", true});
  columns.push_back({"LAST FAILURE"});
  Table table(std::move(columns));
  for (const Status::Group& group : status.groups) {
    Table::Row row{{printable(group.name)},
                   state_of(group),
                   number(group.workers.size()),
                   number(group.in_flight),
                   number(group.queued, Style::warning),
                   number(group.starts),
                   number(group.failures, Style::warning),
                   {size(group.memory), group.memory == 0 ? Style::dim : Style::plain},
                   {processor_time(group.cpu_ms), group.cpu_ms == 0 ? Style::dim : Style::plain}};
    if (earlier != nullptr) row.push_back(share_of(group, *earlier));
    row.push_back({printable(group.last_failure)});
    table.add(std::move(row));
    if (view.workers) add_workers(table, group);
  }
  return table;
}

std::string summary(const GroupCounts& all, const Status& shown) {
  std::string out = count(all.groups, "group");
  constexpr std::array kStates{GroupState::awake, GroupState::asleep, GroupState::backing_off,
                               GroupState::leaving};
  const char* separator = ": ";
  for (const GroupState state : kStates) {
    const size_t number = all.in_state[static_cast<size_t>(state)];
    if (number == 0) continue;
    out += concat({separator, std::to_string(number), " ", to_string(state)});
    separator = ", ";
  }
  uint64_t memory = 0;
  for (const Status::Group& group : shown.groups) memory += group.memory;
  out += concat({"; ", count(all.workers, "worker")});
  if (shown.groups.size() < all.groups) {
    out += concat({"; ", std::to_string(shown.groups.size()), " shown"});
  }
  return out + concat({", with ", size(memory), " of memory"});
}

}  // namespace

GroupCounts::GroupCounts(const Status& status) : groups(status.groups.size()) {
  for (const Status::Group& group : status.groups) {
    workers += group.workers.size();
    if (const auto state = static_cast<size_t>(group.state); state < std::size(in_state)) {
      ++in_state[state];
    }
  }
}

StatusText to_text(const Status& status, const GroupCounts& all, const StatusView& view,
                   const EarlierUsage* earlier) {
  StatusText text;
  const bool serving = status.phase == "serving";
  text.head = {
      concat({"dmpm: ", styled(status.phase, serving ? Style::good : Style::warning, view.colours),
              ", ", printable(status.configuration_file)}),
      ""};
  for (std::string& line : services_of(status).lines(view.colours)) {
    text.head.push_back(std::move(line));
  }
  text.head.insert(text.head.end(), {"", summary(all, status)});
  const Table groups = groups_of(status, view, earlier);
  if (!groups.empty()) text.groups = groups.lines(view.colours);
  return text;
}

}  // namespace dmpm::cli
