// Which settings a reload cannot change in place: everything that running processes hold for good.
#pragma once

#include <string>

#include "base/result.h"
#include "config/configuration.h"

namespace dmpm::master {

// All of them as a text that is the same when they are.
std::string fixed_settings(const config::Configuration& configuration);

// The error has a sentence for each such setting that differs.
Status fixed_settings_unchanged(const config::Configuration& now,
                                const config::Configuration& next);

}  // namespace dmpm::master
