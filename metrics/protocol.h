// What the master tells dmpm-metrics over kMasterChannel (master/heritage.h): a notice's number (u32),
// then its fields in base/wire.h encoding. dmpm-metrics has nothing to say.
//
// First `welcome`. Then it hears what a dispatcher hears of the configuration (group, remove_group,
// virtual_host, remove_virtual_host and commit of master/protocol.h; others it ignores), so that it
// knows the names of everything that can be counted; in between, the notices below.
#pragma once

#include <cstdint>

namespace dmpm::metrics_protocol {

// None is a number of master/protocol.h.
enum class Notice : uint32_t {
  // string root directory, u32 uid, u32 gid, u32 WelcomeFlags, u32 count of the dispatchers' segments,
  // then the names of the users that the dispatchers, the keyholder, the logger and it itself run as.
  welcome = 1000,
  // u32 group, string user: whose rights its workers have. Behind the group's own notice.
  group_user = 1001,
  // string group, string reason: a worker failed, or could not be started.
  trouble = 1002,
};

enum WelcomeFlags : uint32_t {
  kHasPort = 1,  // heritage::kMetricsPort is a listening socket
  kStatusPage = 2,
};

}  // namespace dmpm::metrics_protocol
