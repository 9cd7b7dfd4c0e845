// The requests that dmpm-metrics understands: GET without a body, one on a connection. Anything else is
// refused, and nothing is guessed (RFC 9112 leaves a server that freedom).
#pragma once

#include <string>
#include <string_view>

namespace dmpm::metrics {

struct Request {
  // 0: `path` is asked for; 1: more has to come; else the status to refuse it with.
  unsigned refusal = 0;
  std::string path;     // without its query
  std::string host;     // of the Host field, with a port if there is one; empty: there is none
  bool chunks = false;  // the client understands chunked coding
  static constexpr unsigned kIncomplete = 1;
};

// Of everything that has come on a connection.
Request parse_request(std::string_view bytes);

// The host (with or without port) is this machine's loopback: what a page of elsewhere, for whose name
// somebody has the DNS answer 127.0.0.1, cannot say.
bool names_loopback(std::string_view host);

}  // namespace dmpm::metrics
