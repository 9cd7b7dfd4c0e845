// A status as JSON: everything, a line for each service and group.
#include <initializer_list>

#include "base/text.h"
#include "cli/status.h"
#include "cli/text.h"

namespace dmpm::cli {
namespace {

std::string field(std::string_view name, uint64_t number) {
  return concat({"\"", name, "\": ", std::to_string(number)});
}

std::string field(std::string_view name, std::string_view text) {
  return concat({"\"", name, "\": ", json_string(text)});
}

std::string object(std::initializer_list<std::string> fields) {
  std::string out = "{";
  for (const std::string& one : fields) out += concat({out.size() > 1 ? ", " : "", one});
  out += '}';
  return out;
}

std::string object(const Status::Worker& worker) {
  return object({field("number", worker.number), field("pid", worker.pid),
                 field("age_ms", worker.age_ms), field("state", worker.state)});
}

std::string object(const Status::Service& service) {
  return object({field("name", service.name), field("pid", service.pid),
                 field("age_ms", service.age_ms), field("failures", service.failures),
                 field("last_failure", service.last_failure)});
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
  return object({field("name", group.name), field("state", to_string(group.state)),
                 field("starts", group.starts), field("failures", group.failures),
                 field("last_failure", group.last_failure), field("retry_ms", group.retry_ms),
                 field("memory_bytes", group.memory), field("cpu_ms", group.cpu_ms),
                 field("in_flight", group.in_flight), field("queued", group.queued),
                 concat({"\"workers\": ", list(group.workers, "")})});
}

}  // namespace

std::string to_json(const Status& status) {
  const std::string master = object({field("pid", status.pid), field("age_ms", status.age_ms),
                                     field("phase", status.phase),
                                     field("configuration_file", status.configuration_file)});
  return concat({"{\"master\": ", master, ",\n\"services\": ", list(status.services, "\n  "),
                 ",\n\"groups\": ", list(status.groups, "\n  "), "}\n"});
}

}  // namespace dmpm::cli
