// What the keyholder gives up before it sees the first key: all but its channels.
#pragma once

#include "base/lockdown.h"

namespace dmpm {

// For good. To be called once, as root, when libcrypto is set up and the event loop is there. An
// error is a reason to end: part of it is done.
Status lock_down_keyholder(const lockdown::Place& place);

}  // namespace dmpm
