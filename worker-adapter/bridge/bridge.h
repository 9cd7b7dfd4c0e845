// Bridge: for servers that take no socket at all (static binaries, Go). The server is a child that
// listens on its own TCP port, in a network of its own where nothing else is and nobody else gets
// in, or on a Unix path. Each connection from the dispatcher is passed on to it, byte by byte.
//
// The bridge starts the server, forwards signals to it, ends when it ends, with its status, and
// takes it along when it is killed.
#pragma once

#include "base/result.h"
#include "worker-adapter/arguments.h"

namespace dmpm::adapter {

// Returns when the server has ended: with the status to exit with.
Result<int> run_bridge(const Arguments& arguments);

}  // namespace dmpm::adapter
