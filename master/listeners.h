// The listening sockets of the configuration's "listen", bound by the master and inherited by the
// dispatchers. The master holds them open as long as it runs and never accepts from them.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/configuration.h"

namespace dmpm::master {

struct BoundListener {
  Fd fd;
  std::string description;  // "https 127.0.0.1:443", with the port that it really got
  bool tls = false;
  bool redirect_to_https = false;
};

// In order. "[...]" is IPv6 only, "*" both IPv4 and IPv6.
Result<std::vector<BoundListener>> bind_listeners(const std::vector<config::Listener>& wanted);

}  // namespace dmpm::master
