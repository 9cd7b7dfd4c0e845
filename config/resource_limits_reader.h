// Reads "resource_limits" of "permissions".
#pragma once

#include <vector>

#include "config/object_reader.h"

namespace dmpm::config {

// In the order of their names. Leaves `limits` as it is when the key is absent.
void read_resource_limits(ObjectReader& permissions, std::vector<ResourceLimit>& limits,
                          ProblemList& problems);

}  // namespace dmpm::config
