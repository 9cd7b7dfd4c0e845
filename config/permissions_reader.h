// Reads "permissions" of a group: what its workers may do, and that they do not get at what the
// service processes are there to keep from them.
#pragma once

#include "config/file_content.h"

namespace dmpm::config {

Permissions read_permissions(const JsonNode& node, Reading& reading);

}  // namespace dmpm::config
