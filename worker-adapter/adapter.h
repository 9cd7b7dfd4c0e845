// The adapter's work, but for bridges: becomes the real server.
//
// In dmpm-worker-adapter, and in dmpm-worker-start, when that has given up all rights
// (master/adapter_within.cc).
#pragma once

#include "base/result.h"
#include "worker-adapter/arguments.h"

namespace dmpm::adapter {

// With the process's environment and descriptors (master/heritage.h). Does not return unless it fails.
Error become_server(const Arguments& arguments);

// To standard error, which is the group's log.
void tell(const Error& error);

}  // namespace dmpm::adapter
