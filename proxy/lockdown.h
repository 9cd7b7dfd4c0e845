// What a dispatcher gives up before it reads the first byte of a client: all that its work does not
// need. Whoever runs code in it later has what is left, and tests/red-team/ tries what that is.
#pragma once

#include "base/lockdown.h"

namespace dmpm {

// For good. To be called once, as root, when every library is set up, the event loop is there and
// the listeners' descriptors are inherited. An error is a reason to end: part of it is done.
Status lock_down_dispatcher(const lockdown::Place& place);

}  // namespace dmpm
