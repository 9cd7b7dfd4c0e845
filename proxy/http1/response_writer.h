// Writes a response head for an HTTP/1 client (RFC 9112 4): status line, the forwarded fields, Date,
// one framing field, Connection.
#pragma once

#include <string>

#include "proxy/http/message.h"

namespace dmpm::http1 {

struct ResponseOptions {
  bool chunked = false;      // the body will be sent in chunks
  bool close = false;        // the connection ends after this response
  bool keep_alive = false;   // say so: an HTTP/1.0 client asked for it
  std::string_view upgrade;  // with status 101: the protocol
};

void append_response_head(std::string& out, const http::ResponseHead& head,
                          const ResponseOptions& options);

}  // namespace dmpm::http1
