// The header of the PROXY protocol, version 2 (haproxy's proxy-protocol.txt, 2.2), by which a worker
// learns of whose connection it serves: the first bytes of each connection to a worker that wants it.
//
// Binary: fixed fields with the two addresses, then values with their type and length (TLVs). Of what
// a client sent there is nothing in it but its server name, if that is a host name of bounded length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/forwarding.h"

namespace dmpm::forward {

// Where a client's connection came in, and what its handshake said; the rest is in ClientInfo.
struct Arrival {
  std::string address;  // the listener's, as SocketAddress::host() gives it; empty: not known
  uint16_t port = 0;
  std::string alpn;         // "h2", "http/1.1" or empty
  std::string server_name;  // TLS's SNI, the client's bytes; empty: none
};

// `server_name` becomes PP2_TYPE_AUTHORITY, unless it is empty, no host name or longer than
// limits::kMaxProxyAuthority.
std::string proxy_header(const http::ClientInfo& client, const Arrival& arrival,
                         std::string_view server_name);

}  // namespace dmpm::forward
