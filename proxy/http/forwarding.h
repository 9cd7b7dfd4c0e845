// What of a message crosses the dispatcher, in one place for HTTP/1 and HTTP/2 (RFC 9110 7.6).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/message.h"

namespace dmpm::http {

// What the worker and the access log are told about the client, since they only see the dispatcher.
struct ClientInfo {
  std::string address;  // as text, without port
  bool tls = false;
  // Not 0: nothing is served here, everything is redirected to https at this port.
  uint16_t redirect_to_port = 0;
  bool http2 = false;
  // For the access log: what the handshake chose (OpenSSL's own strings), how long it took, and how
  // many exchanges of this connection have been logged.
  std::string_view tls_protocol{}, tls_cipher{};
  std::chrono::milliseconds handshake_time{};
  mutable uint32_t requests = 0;
  uint16_t port = 0;  // of the address
};

// False for what belongs to this hop, what is regenerated, what a client could pretend with, and
// names of other than letters, digits and hyphens (a CGI program could not tell them apart).
bool forwards_to_worker(const Field& field);
// False for what belongs to this hop or is regenerated.
bool forwards_to_client(const Field& field);
// One protocol, and none that would carry requests past the routing (h2c, HTTP, TLS).
bool may_upgrade_to(std::string_view protocol);

// Appends the request head as HTTP/1.1 for a worker: request line, one Host, the forwarded fields,
// X-Forwarded-* and Forwarded, one framing field.
void append_request_head(std::string& out, const RequestHead& head, const ClientInfo& client);

}  // namespace dmpm::http
