// ClientLimits: what one client may cost, as configured ("limits" in the configuration file). The
// defaults are config::Limits'; those that are no matter of taste stand in limits.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dmpm {

struct ClientLimits {
  using Milliseconds = std::chrono::milliseconds;

  // Message heads: 431 and 414 beyond. nginx takes 32 KiB in all, Apache 8 KiB a line; cookies of
  // single sign-on systems reach 16 KiB. Browsers send 15 to 30 fields; HTTP/2 cookie crumbs are
  // joined and count as one.
  size_t head_size = 32 * 1024;
  size_t head_fields = 128;
  size_t target_size = 8 * 1024;
  // Of a request: 413 beyond. 0: no limit, the worker decides.
  uint64_t body_size = 0;
  // What one exchange may hold in the dispatcher each way: the request body that waits for its
  // worker, the response that waits for its client.
  size_t request_buffer = 64 * 1024;
  size_t response_buffer = 64 * 1024;

  Milliseconds handshake_timeout{15'000};
  Milliseconds head_timeout{20'000};  // from a request's first byte to its head's end
  Milliseconds body_timeout{30'000};  // between two looks at a request body: it must have moved,
  uint64_t body_rate = 500;           // by as many bytes a second (Apache's mod_reqtimeout: 500)
  Milliseconds idle_timeout{75'000};  // keep-alive, as nginx has it
  Milliseconds send_timeout{60'000};  // a client that takes nothing
  Milliseconds tunnel_timeout{600'000};  // a WebSocket on which nothing moves

  size_t connections = 100'000;
  // From one IPv4 address or IPv6 /64. Large: a company or a CDN may stand behind one.
  size_t connections_per_address = 4'096;
  uint32_t requests_per_connection = 100'000;
};

}  // namespace dmpm
