// What dmpm-metrics gives up before it reads a foreign byte. Whoever runs code in it later has what is
// left, and tests/red-team/ tries what that is.
#pragma once

#include "base/lockdown.h"

namespace dmpm {

// For good; `place.root` is an empty directory. To be called once, as root, when the event loop is
// there and the memory mapped. An error is a reason to end: part of it is done.
Status lock_down_metrics(const lockdown::Place& place);

}  // namespace dmpm
