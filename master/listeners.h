// The listening sockets of the configuration's "listen", bound by the master and inherited by the
// dispatchers. The master holds them open as long as they are configured and never accepts from
// them, so that what waits in a dead dispatcher's queue is served by its successor.
//
// Several dispatchers share an address by a socket each (SO_REUSEPORT). A socket of an address that
// stays is never closed, since closing it would reset what waits there: when there are fewer
// dispatchers than before, one of them gets several.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/configuration.h"

namespace dmpm::master {

struct BoundListener {
  std::string address;  // as configured: what makes it the same one in the next configuration
  // Closed with the last generation of dispatchers that has them.
  std::vector<std::shared_ptr<const Fd>> sockets;
  std::string description;  // "https 127.0.0.1:443", with the port that it really got
  bool tls = false;
  bool redirect_to_https = false;
};

// In the order of `wanted`, with at least one socket for each of `processes`. "[...]" is IPv6 only,
// "*" both IPv4 and IPv6. What `now` has of an address is used again.
Result<std::vector<BoundListener>> bind_listeners(const std::vector<config::Listener>& wanted,
                                                  unsigned processes,
                                                  const std::vector<BoundListener>& now);

// The descriptors that dispatcher `index` of `processes` serves, and each one's ListenerFlags.
struct ListenerShare {
  std::vector<int> fds;
  std::vector<uint32_t> flags;
};
ListenerShare share_of(const std::vector<BoundListener>& listeners, unsigned index,
                       unsigned processes);

}  // namespace dmpm::master
