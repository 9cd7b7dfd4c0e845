// dmpm status: the processes, the groups and what went wrong last.
#include "cli/status.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "cli/command.h"
#include "cli/control.h"

namespace dmpm::cli {

using control_protocol::GroupState;
using control_protocol::Item;

// ---- what the master says ----

void Status::add(Item item, WireReader& reader) {
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
  }
}

namespace {

std::string_view to_string(GroupState state) {
  switch (state) {
    case GroupState::asleep: return "asleep";
    case GroupState::awake: return "awake";
    case GroupState::backing_off: return "backing off";
    case GroupState::leaving: return "leaving";
  }
  return "unknown";
}

// ---- as text ----

std::string duration(uint64_t ms) {
  const uint64_t seconds = ms / 1000;
  if (seconds < 60) return concat({std::to_string(seconds), "s"});
  if (seconds < 3600) {
    return concat({std::to_string(seconds / 60), "m", std::to_string(seconds % 60), "s"});
  }
  const uint64_t hours = seconds / 3600;
  if (hours < 24)
    return concat({std::to_string(hours), "h", std::to_string(seconds / 60 % 60), "m"});
  return concat({std::to_string(hours / 24), "d", std::to_string(hours % 24), "h"});
}

void append_failures(std::string& out, uint64_t count, const std::string& reason) {
  if (count == 0) return;
  out += concat({", ", std::to_string(count), count == 1 ? " failure" : " failures", "; last: "});
  out += reason;
}

void append_group(std::string& out, const Status::Group& group) {
  out += concat({"  ", group.name, ": ", to_string(group.state)});
  if (group.state == GroupState::backing_off) {
    out += concat({" for ", duration(group.retry_ms)});
  }
  for (const Status::Worker& worker : group.workers) {
    out += concat({", worker ", std::to_string(worker.number), " ", worker.state});
    if (worker.pid != 0) {
      out += concat({" (pid ", std::to_string(worker.pid), ", ", duration(worker.age_ms), ")"});
    }
  }
  if (group.starts > 0) out += concat({", ", std::to_string(group.starts), " starts"});
  append_failures(out, group.failures, group.last_failure);
  out += '\n';
}

// ---- as JSON ----

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {  // what is no text stands for its bytes
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string field(std::string_view name, uint64_t number) {
  return concat({"\"", name, "\": ", std::to_string(number)});
}

std::string field(std::string_view name, std::string_view text) {
  return concat({"\"", name, "\": ", quoted(text)});
}

std::string object(const Status::Worker& worker) {
  return concat({"{", field("number", worker.number), ", ", field("pid", worker.pid), ", ",
                 field("age_ms", worker.age_ms), ", ", field("state", worker.state), "}"});
}

std::string object(const Status::Service& service) {
  return concat({"{", field("name", service.name), ", ", field("pid", service.pid), ", ",
                 field("age_ms", service.age_ms), ", ", field("failures", service.failures), ", ",
                 field("last_failure", service.last_failure), "}"});
}

std::string object(const Status::Group& group);

template <typename Element>
std::string list(const std::vector<Element>& elements, std::string_view separator) {
  std::string out = "[";
  for (const Element& element : elements) {
    out += concat({&element == &elements.front() ? "" : ",", separator, object(element)});
  }
  out += ']';
  return out;
}

std::string object(const Status::Group& group) {
  return concat({"{", field("name", group.name), ", ", field("state", to_string(group.state)), ", ",
                 field("starts", group.starts), ", ", field("failures", group.failures), ", ",
                 field("last_failure", group.last_failure), ", ", field("retry_ms", group.retry_ms),
                 ", \"workers\": ", list(group.workers, ""), "}"});
}

}  // namespace

std::string to_text(const Status& status) {
  std::string out = concat({"master: ", status.phase, ", pid ", std::to_string(status.pid), ", ",
                            duration(status.age_ms), ", ", status.configuration_file, "\n"});
  for (const Status::Service& service : status.services) {
    out += concat({service.name, ": "});
    out += service.pid == 0
               ? std::string("down")
               : concat({"pid ", std::to_string(service.pid), ", ", duration(service.age_ms)});
    append_failures(out, service.failures, service.last_failure);
    out += '\n';
  }
  const auto awake = std::count_if(status.groups.begin(), status.groups.end(),
                                   [](const auto& group) { return !group.workers.empty(); });
  out += concat({"groups: ", std::to_string(status.groups.size()), ", ", std::to_string(awake),
                 " with workers\n"});
  for (const Status::Group& group : status.groups) append_group(out, group);
  return out;
}

std::string to_json(const Status& status) {
  return concat({"{\"master\": {", field("pid", status.pid), ", ", field("age_ms", status.age_ms),
                 ", ", field("phase", status.phase), ", ",
                 field("configuration_file", status.configuration_file),
                 "},\n\"services\": ", list(status.services, "\n  "),
                 ",\n\"groups\": ", list(status.groups, "\n  "), "}\n"});
}

int status(const Options& options) {
  Status status;
  const int result =
      converse(runtime_directory(options),
               {control_protocol::Command::status,
                [&status](Item item, WireReader& reader) { status.add(item, reader); }, false});
  if (result != 0) return result;
  std::sort(status.groups.begin(), status.groups.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  const std::string out = options.contains("--json") ? to_json(status) : to_text(status);
  std::fwrite(out.data(), 1, out.size(), stdout);
  return 0;
}

}  // namespace dmpm::cli
