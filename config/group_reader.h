// Reads one group: its permissions, its worker and its scale.
#pragma once

#include "config/file_content.h"

namespace dmpm::config {

// The result is whole only when nothing was added to the problems.
Group read_group(const JsonMember& member, Reading& reading);

}  // namespace dmpm::config
