// A network namespace with nothing but a loopback interface, made without any privilege: by way of a
// user namespace in which the user is still who it was.
#pragma once

#include "base/result.h"

namespace dmpm::adapter {

// Moves this process there, and gives up the rights that it has in its own namespace. Fails where
// the kernel lets users make no user namespaces, and within a changed root directory.
Status enter_private_network();

}  // namespace dmpm::adapter
