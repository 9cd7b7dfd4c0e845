// What is asked of the groups at this moment.
#pragma once

#include "cli/status.h"

namespace dmpm::cli {

// Adds to each group the requests that its workers have, and those that wait for one.
void add_load(Status& status);

}  // namespace dmpm::cli
