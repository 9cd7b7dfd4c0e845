// Which ids a group's workers may have: not root's, and none by which they would be a service
// process or get at what is open to one's group (the dispatcher's: every worker's socket).
#pragma once

#include <string>

#include "config/file_content.h"

namespace dmpm::config {

// Why workers must not have this id; empty when they may.
std::string refused_uid(uid_t uid, const Surroundings& surroundings);
std::string refused_gid(gid_t gid, const Surroundings& surroundings);

bool may_run(const Permissions& permissions, const Surroundings& surroundings);

}  // namespace dmpm::config
