// Reads "worker" of a group: the program and how it gets its socket.
#pragma once

#include "config/json_document.h"

namespace dmpm::config {

Worker read_worker(const JsonNode& node, ProblemList& problems);

}  // namespace dmpm::config
