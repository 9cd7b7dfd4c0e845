#include "config/permissions_reader.h"

#include <algorithm>

#include "base/text.h"
#include "config/allowed_ids.h"
#include "config/identity_reader.h"
#include "config/limits.h"
#include "config/module_settings.h"
#include "config/object_reader.h"
#include "config/resource_limits_reader.h"
#include "config/values.h"

namespace dmpm::config {
namespace {

// True when both are allowed.
bool check_identity(const ReadIdentity& read, Reading& reading) {
  const auto user_why =
      read.has_uid ? refused_uid(read.identity.uid, reading.surroundings) : std::string();
  const auto group_why =
      read.has_gid ? refused_gid(read.identity.gid, reading.surroundings) : std::string();
  if (!user_why.empty()) {
    reading.problems.add(read.user_place, concat({"\"user\" must not be ",
                                                  quoted(read.identity.user), ": ", user_why}));
  }
  // A default group that is refused with its user is not worth a second line.
  if (!group_why.empty() && (user_why.empty() || read.group_place != read.user_place)) {
    reading.problems.add(read.group_place, concat({"the group must not be ",
                                                   quoted(read.identity.group), ": ", group_why}));
  }
  return read.has_uid && read.has_gid && user_why.empty() && group_why.empty();
}

std::vector<gid_t> read_listed_groups(ObjectReader& object, const JsonNode& list,
                                      Reading& reading) {
  std::vector<gid_t> gids;
  if (list.kind() != JsonNode::Kind::list) {
    object.wrong("supplementary_groups", list, "a list of names of groups");
    return gids;
  }
  for (size_t i = 0; i < list.size(); ++i) {
    const JsonNode element = list.element(i);
    const auto name = object.element_string("supplementary_groups", element);
    if (!name) continue;
    const auto& gid = reading.tools.users.group(std::string(*name));
    if (!gid) {
      reading.problems.add(element.position(), gid.error().message);
      continue;
    }
    const std::string why = refused_gid(gid.value(), reading.surroundings);
    if (!why.empty()) {
      reading.problems.add(element.position(), concat({"\"supplementary_groups\" must not have ",
                                                       quoted(*name), ": ", why}));
    }
    gids.push_back(gid.value());
  }
  std::sort(gids.begin(), gids.end());
  gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
  return gids;
}

// As of the group database.
std::vector<gid_t> users_own_groups(const ReadIdentity& read, Reading& reading) {
  UserDatabase& users = reading.tools.users;
  std::vector<gid_t> gids = users.groups_of(read.identity.user, read.primary_gid);
  for (const gid_t gid : gids) {
    const std::string why = refused_gid(gid, reading.surroundings);
    if (why.empty()) continue;
    reading.problems.add(read.user_place,
                         concat({"the user ", quoted(read.identity.user), " must not be in group ",
                                 quoted(users.group_name(gid)),
                                 ", unless \"supplementary_groups\" lists others: ", why}));
  }
  return gids;
}

void read_umask(ObjectReader& object, mode_t& out) {
  const auto node = object.find("umask");
  if (!node) return;
  const auto text = plain_string(*node);
  const auto mask = text ? parse_umask(*text) : std::nullopt;
  if (!mask) return object.wrong("umask", *node, kUmaskExpected);
  out = *mask;
}

void read_module(const JsonMember& member, Permissions& permissions, Reading& reading) {
  const Position place = member.value.key_position(member.key);
  PermissionModules& modules = reading.tools.modules;
  const auto& found = modules.get(reading.surroundings.module_directory, std::string(member.key));
  if (!found) return reading.problems.add(place, found.error().message);
  const PermissionModules::Loaded& module = found.value();
  permissions.modules.push_back(
      {std::string(member.key), module.path, module.stamp, module.descriptor->stages,
       read_module_settings(*module.descriptor, member.key, member.value, reading.problems)});
}

// A configuration that asks for a module must not run without it.
void read_modules(ObjectReader& object, Permissions& permissions, Reading& reading) {
  const auto node = object.find("modules");
  if (!node) return;
  if (node->kind() != JsonNode::Kind::object) {
    return object.wrong("modules", *node, "an object of names and settings");
  }
  if (node->size() > limits::kMaxModules) {
    reading.problems.add(node->position(),
                         concat({"\"modules\" must have at most ",
                                 std::to_string(limits::kMaxModules), " members"}));
    return;
  }
  for (const JsonMember& member : node->members()) read_module(member, permissions, reading);
}

// A customer who can replace the directory, or one above it, chooses the root instead of us.
void check_root(ObjectReader& object, const std::string& root, Reading& reading) {
  if (object.node().kind() != JsonNode::Kind::object || !is_absolute_path(root)) return;
  const auto node = object.node().member("root");
  if (!node) return;
  const Status status = reading.tools.files.trusted_directory(root);
  if (!status.ok()) {
    reading.problems.add(node->position(),
                         concat({"\"root\" cannot be used: ", status.error().message}));
  }
}

}  // namespace

Permissions read_permissions(const JsonNode& node, Reading& reading) {
  Permissions permissions;
  ObjectReader object(node, "\"permissions\"", reading.problems);
  constexpr IdentityDefaults kNone{"\"permissions\"", "", DefaultGroup::primary_of_user};
  const ReadIdentity read = read_identity(object, kNone, reading.tools.users, reading.problems);
  const bool allowed = check_identity(read, reading);
  permissions.identity = read.identity;
  if (const auto list = object.find("supplementary_groups")) {
    permissions.supplementary_groups = read_listed_groups(object, *list, reading);
    reading.content.lists_supplementary_groups = true;
  } else if (allowed) {
    permissions.supplementary_groups = users_own_groups(read, reading);
  }
  object.absolute_path("root", permissions.root);
  check_root(object, permissions.root, reading);
  read_resource_limits(object, permissions.resource_limits, reading.problems);
  read_umask(object, permissions.umask);
  read_modules(object, permissions, reading);
  object.finish();
  return permissions;
}

}  // namespace dmpm::config
