#include "config/group_reader.h"

#include "base/text.h"
#include "config/limits.h"
#include "config/object_reader.h"
#include "config/permissions_reader.h"
#include "config/values.h"
#include "config/worker_reader.h"

namespace dmpm::config {
namespace {

void read_scale(const JsonNode& node, Scale& scale, ProblemList& problems) {
  ObjectReader object(node, "\"scale\"", problems);
  object.count("max_workers", scale.max_workers, 1, 1024);
  object.count("min_workers", scale.min_workers, 0, 1024);
  object.count("connections_per_worker", scale.connections_per_worker, 1, 65'535);
  object.count("requests_at_once", scale.requests_at_once, 1, 65'535);
  object.count("requests_per_worker", scale.requests_per_worker, 0, 4'000'000'000);
  object.count("max_requests", scale.max_requests, 1, 1'000'000);
  object.duration("idle_timeout", scale.idle_timeout);
  object.duration("start_timeout", scale.start_timeout);
  object.duration("stop_timeout", scale.stop_timeout);
  object.count("queue", scale.queue, 0, 65'535);
  object.duration("queue_timeout", scale.queue_timeout);
  object.duration("response_timeout", scale.response_timeout);
  object.finish();
  const auto least =
      node.kind() == JsonNode::Kind::object ? node.member("min_workers") : std::nullopt;
  if (least && scale.min_workers > scale.max_workers) {
    problems.add(least->position(),
                 concat({"\"min_workers\" must not be above \"max_workers\", which is ",
                         std::to_string(scale.max_workers)}));
  }
}

void check_name(const std::string& name, Position place, Reading& reading) {
  if (!is_group_name(name)) {
    return reading.problems.add(place, concat({quoted(name),
                                               " is no name for a group: use 1 to 64 of A-Z a-z "
                                               "0-9 _ - . and no dot first"}));
  }
  // RUNTIME/sockets/GROUP.NNNNNNNNNN
  const size_t size = reading.surroundings.runtime_directory.size() + sizeof "/sockets/" - 1 +
                      name.size() + sizeof ".4294967295" - 1;
  if (size > limits::kMaxSocketPath) {
    reading.problems.add(
        place, concat({"the path of this group's sockets would have ", std::to_string(size),
                       " bytes, and the kernel takes ", std::to_string(limits::kMaxSocketPath),
                       "; shorten the group's name or \"runtime_directory\""}));
  }
}

}  // namespace

Group read_group(const JsonMember& member, Reading& reading) {
  Group group;
  group.name = member.key;
  const Position place = member.value.key_position(member.key);
  group.location = reading.problems.locate(place);
  check_name(group.name, place, reading);
  ObjectReader object(member.value, "this group", reading.problems);
  if (const auto node = object.require("permissions", "an object with at least \"user\"")) {
    group.permissions = read_permissions(*node, reading);
  }
  if (const auto node = object.require("worker", "an object with \"command\" or \"preset\"")) {
    group.worker = read_worker(*node, group.permissions.root, reading.problems);
  }
  if (const auto node = object.find("scale")) read_scale(*node, group.scale, reading.problems);
  object.boolean("forward_trailers", group.forward_trailers);
  object.finish();
  return group;
}

}  // namespace dmpm::config
