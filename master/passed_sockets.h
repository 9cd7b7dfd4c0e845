// Socket activation (sd_listen_fds(3)): listening sockets that who started the master has bound and
// passed as descriptors 3 and up, as many as $LISTEN_FDS says.
#pragma once

#include <vector>

#include "config/configuration.h"
#include "master/listeners.h"

namespace dmpm::master {

// For each entry of `wanted` whose address was passed: its sockets. Others that were passed are
// closed, with a line on standard error. Removes the variables from the environment.
std::vector<BoundListener> take_passed_sockets(const std::vector<config::Listener>& wanted);

}  // namespace dmpm::master
