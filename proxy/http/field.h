// Header fields: one name and value, and the names that dmpm treats in a way of their own.
#pragma once

#include <cstdint>
#include <string_view>

namespace dmpm::http {

enum class FieldName : uint8_t {
  other,
  // Routing and framing: regenerated, never copied.
  host,
  content_length,
  transfer_encoding,
  connection,
  // Hop-by-hop (RFC 9110 7.6.1): dropped.
  keep_alive,
  proxy_connection,
  proxy_authenticate,
  proxy_authorization,
  te,
  trailer,
  upgrade,
  http2_settings,
  // What a client could use to pretend to be someone else: dropped, then set anew.
  forwarded,
  x_forwarded,  // every name that begins with "x-forwarded-"
  x_real_ip,
  proxy,  // becomes HTTP_PROXY in a CGI environment ("httpoxy")
  // What a worker could use to pretend to be dmpm: dropped from responses.
  x_error_id,
  // Read but passed on.
  expect,
  date,
  // Never to be nominated by Connection: end-to-end, and a request without them means another thing.
  authorization,
  cookie,
  content_type,
  cache_control,
  // Read for the access log.
  referer,
  user_agent,
};

// RFC 9110 5.1: case does not count.
FieldName classify_field(std::string_view name);

struct Field {
  std::string_view name;
  std::string_view value;  // without the white space around it
  FieldName id = FieldName::other;
  bool forward = true;  // false: stays on this connection
};

}  // namespace dmpm::http
