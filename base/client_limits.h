// ClientLimits: what one client may cost: "limits" in the configuration. Read by config/, passed on
// by master/, kept by proxy/; visit_client_limits() is the one list of them for all three.
#pragma once

#include <chrono>
#include <cstdint>

namespace dmpm {

struct ClientLimits {
  using Milliseconds = std::chrono::milliseconds;

  // Message heads: 431 and 414 beyond. nginx takes 32 KiB in all, Apache 8 KiB a line; cookies of
  // single sign-on systems reach 16 KiB. Browsers send 15 to 30 fields; HTTP/2 cookie crumbs are
  // joined and count as one.
  uint64_t head_size = 32 * 1024;
  unsigned head_fields = 128;
  uint64_t target_size = 8 * 1024;
  // Of a request: 413 beyond. 0: no limit, the worker decides.
  uint64_t body_size = 0;
  // What one exchange may hold in the dispatcher each way: the request body that waits for its
  // worker, the response that waits for its client.
  uint64_t request_buffer = 64 * 1024;
  uint64_t response_buffer = 64 * 1024;

  Milliseconds handshake_timeout{15'000};
  Milliseconds head_timeout{20'000};     // from a request's first byte to its head's end
  Milliseconds body_timeout{30'000};     // between two looks at a request body: it must have moved,
  unsigned body_rate = 500;              // by as many bytes a second (Apache's mod_reqtimeout: 500)
  Milliseconds idle_timeout{75'000};     // keep-alive, as nginx has it
  Milliseconds send_timeout{60'000};     // a client that takes nothing
  Milliseconds tunnel_timeout{600'000};  // a WebSocket on which nothing moves

  unsigned connections = 100'000;
  // From one IPv4 address or IPv6 /64. Large: a company or a CDN may stand behind one.
  unsigned connections_per_address = 4'096;
  unsigned requests_per_connection = 100'000;

  bool operator==(const ClientLimits&) const = default;
};

// Calls `visitor` with each key, its member and its bounds: bytes(), count() or duration().
template <typename Limits, typename Visitor>
void visit_client_limits(Limits& limits, Visitor&& visitor) {
  constexpr uint64_t kMiB = 1024 * 1024;
  visitor.bytes("head_size", limits.head_size, 1024, kMiB);
  visitor.count("head_fields", limits.head_fields, 16, 1000);
  visitor.bytes("target_size", limits.target_size, 256, kMiB);
  visitor.bytes("body_size", limits.body_size, 0, uint64_t{1} << 60);
  // HTTP/2's own default window is 65,535 bytes: less would stall clients before they know.
  visitor.bytes("request_buffer", limits.request_buffer, 64 * 1024, 16 * kMiB);
  visitor.bytes("response_buffer", limits.response_buffer, 16 * 1024, 16 * kMiB);
  visitor.duration("handshake_timeout", limits.handshake_timeout);
  visitor.duration("head_timeout", limits.head_timeout);
  visitor.duration("body_timeout", limits.body_timeout);
  visitor.count("body_rate", limits.body_rate, 0, 1'000'000'000);
  visitor.duration("idle_timeout", limits.idle_timeout);
  visitor.duration("send_timeout", limits.send_timeout);
  visitor.duration("tunnel_timeout", limits.tunnel_timeout);
  visitor.count("connections", limits.connections, 1, 10'000'000);
  visitor.count("connections_per_address", limits.connections_per_address, 1, 10'000'000);
  visitor.count("requests_per_connection", limits.requests_per_connection, 1, 1'000'000'000);
}

}  // namespace dmpm
