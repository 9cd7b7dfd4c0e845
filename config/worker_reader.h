// Reads "worker" of a group: the program and how it gets its socket.
#pragma once

#include "config/json_document.h"

namespace dmpm::config {

// `root` is the group's root directory: some of what the adapter does cannot be done within one.
Worker read_worker(const JsonNode& node, std::string_view root, ProblemList& problems);

}  // namespace dmpm::config
