#include "config/resource_limits_reader.h"

#include "config/values.h"

namespace dmpm::config {
namespace {

enum class Unit { count, bytes, seconds };

struct Resource {
  std::string_view name;
  int number;
  Unit unit;
};
constexpr Resource kResources[] = {
    {"address_space", RLIMIT_AS, Unit::bytes},  {"core_size", RLIMIT_CORE, Unit::bytes},
    {"cpu_time", RLIMIT_CPU, Unit::seconds},    {"data_size", RLIMIT_DATA, Unit::bytes},
    {"file_size", RLIMIT_FSIZE, Unit::bytes},   {"locked_memory", RLIMIT_MEMLOCK, Unit::bytes},
    {"open_files", RLIMIT_NOFILE, Unit::count}, {"pending_signals", RLIMIT_SIGPENDING, Unit::count},
    {"processes", RLIMIT_NPROC, Unit::count},   {"stack", RLIMIT_STACK, Unit::bytes},
};

std::string_view expected(Unit unit) {
  switch (unit) {
    case Unit::count: return "a whole number, or \"unlimited\"";
    case Unit::bytes: return kSizeExpected;
    case Unit::seconds: break;
  }
  return "a duration of whole seconds such as \"30s\", or \"unlimited\"";
}

std::optional<rlim_t> parse_seconds(std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration || duration->count() % 1000 != 0) return std::nullopt;
  return static_cast<rlim_t>(duration->count() / 1000);
}

std::optional<rlim_t> value_of(const JsonNode& node, Unit unit) {
  const auto text = plain_string(node);
  if (text && *text == "unlimited") return RLIM_INFINITY;
  if (node.kind() == JsonNode::Kind::number && unit != Unit::seconds) {
    const auto number = node.whole_number();
    return number && *number < RLIM_INFINITY ? number : std::nullopt;
  }
  if (!text || unit == Unit::count) return std::nullopt;
  return unit == Unit::bytes ? parse_size(*text) : parse_seconds(*text);
}

}  // namespace

void read_resource_limits(ObjectReader& permissions, std::vector<ResourceLimit>& limits,
                          ProblemList& problems) {
  const auto node = permissions.find("resource_limits");
  if (!node) return;
  ObjectReader object(*node, "\"resource_limits\"", problems);
  for (const Resource& resource : kResources) {
    const auto member = object.find(resource.name);
    if (!member) continue;
    const auto value = value_of(*member, resource.unit);
    if (value) {
      limits.push_back({resource.number, *value});
    } else {
      object.wrong(resource.name, *member, expected(resource.unit));
    }
  }
  object.finish();
}

}  // namespace dmpm::config
