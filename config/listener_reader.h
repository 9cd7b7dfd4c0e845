// Reads "listen" of the main file.
#pragma once

#include <optional>
#include <vector>

#include "config/object_reader.h"

namespace dmpm::config {

// `tls_listener`: the place of the first one with "tls".
void read_listeners(ObjectReader& object, std::vector<Listener>& listeners,
                    std::optional<Position>& tls_listener, ProblemList& problems);

}  // namespace dmpm::config
