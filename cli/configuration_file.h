// Which configuration a command is about, when it may be that of the dmpm that runs.
#pragma once

#include <optional>
#include <string>

#include "cli/arguments.h"
#include "cli/sites.h"
#include "cli/status.h"
#include "config/loader.h"

namespace dmpm::cli {

// Where the package puts it.
inline constexpr const char* kConfigurationFile = "/etc/dmpm/dmpm.json";

struct Subject {
  std::string file;
  config::LoadOutcome outcome;    // of that file, now
  std::optional<Sites> sites;     // of its configuration, when there is one
  std::optional<Status> running;  // of the dmpm with the runtime directory that was named
  std::string not_running;        // why there is none
};

// By --config, else what the running dmpm says, else /etc/dmpm/dmpm.json.
Subject subject_of(const Options& options);

}  // namespace dmpm::cli
