// Reads a worker's "preset": a real server that dmpm-worker-adapter configures from a few keys.
#pragma once

#include "config/json_document.h"
#include "config/object_reader.h"

namespace dmpm::config {

// `preset` is that member of `object`, whose other keys depend on it. What they say becomes
// arguments of the adapter: "preset", its name, then KEY=VALUE for each that is given.
void read_preset(ObjectReader& object, const JsonNode& preset, Worker& worker,
                 ProblemList& problems);

}  // namespace dmpm::config
