// Which settings a reload cannot change in place: everything that running processes hold for good.
#pragma once

#include <string>
#include <vector>

#include "config/configuration.h"

namespace dmpm::master {

// One sentence for each such setting that differs; empty: the reload can be done.
std::vector<std::string> fixed_settings_changed(const config::Configuration& now,
                                                const config::Configuration& next);

}  // namespace dmpm::master
