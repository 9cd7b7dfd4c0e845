#include "config/allowed_ids.h"

#include <algorithm>

#include "base/text.h"

namespace dmpm::config {

std::string refused_uid(uid_t uid, const Surroundings& surroundings) {
  if (uid == 0) return "a group's workers never run as uid 0";
  for (const auto& service : surroundings.services()) {
    if (uid == service.identity.uid) return concat({"the ", service.name, " runs as this user"});
  }
  return "";
}

std::string refused_gid(gid_t gid, const Surroundings& surroundings) {
  if (gid == 0) return "a group's workers never have gid 0";
  for (const auto& service : surroundings.services()) {
    if (gid == service.identity.gid) return concat({"it is the ", service.name, "'s group"});
  }
  return "";
}

bool may_run(const Permissions& permissions, const Surroundings& surroundings) {
  const auto& gids = permissions.supplementary_groups;
  return refused_uid(permissions.identity.uid, surroundings).empty() &&
         refused_gid(permissions.identity.gid, surroundings).empty() &&
         std::all_of(gids.begin(), gids.end(),
                     [&](gid_t gid) { return refused_gid(gid, surroundings).empty(); });
}

}  // namespace dmpm::config
