// The two things that `dmpm explain` explains. Each prints and returns the exit status.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/configuration_file.h"

namespace dmpm::cli {

// What happened to the request that was answered with this error id, as far as the logs have it.
int explain_error(const Subject& subject, const std::string& id);
// Where requests for this name go, and why. `host` as config::parse_host_name() makes it.
int explain_host(const Subject& subject, const std::string& host);

// An error id as it stands in the logs, also of one that was read aloud or copied by hand: its
// alphabet has no letters that are mistaken for others (proxy/error_ids.h).
std::optional<std::string> as_error_id(std::string_view text);

// Lines such as "  group        alice", one below the other.
void append_fact(std::string& out, std::string_view what, std::string_view text);
// What the running dmpm says of a group now, in one line.
std::string present_state(const Subject& subject, std::string_view group);

}  // namespace dmpm::cli
