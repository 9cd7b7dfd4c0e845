// AccessFormat: the format of an access log, parsed: config/ checks it with this, the logger writes
// lines by it. The variables are explained in docs/logs.md.
//
//   "combined"   the line that every log analyser knows
//   "json"       an object a line, with all there is
//   other text   is copied, with $variable or ${variable} replaced and $$ for a dollar sign
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dmpm {

enum class AccessVariable : uint8_t {
  literal,
  body_bytes_received,
  body_bytes_sent,
  connection_requests,
  error_id,
  first_byte_time,
  group,
  host,
  http_referer,
  http_user_agent,
  msec,
  outcome,
  queue_time,
  remote_addr,
  request,
  request_method,
  request_time,
  request_uri,
  scheme,
  server_name,
  server_protocol,
  ssl_cipher,
  ssl_protocol,
  status,
  time_iso8601,
  time_local,
  tls_time,
};

struct AccessFormat {
  struct Piece {
    AccessVariable variable;
    std::string text;  // of a literal
  };
  bool json = false;
  std::vector<Piece> pieces;  // unless json
};

inline constexpr std::string_view kCombinedFormat =
    "$remote_addr - - [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
    "\"$http_user_agent\"";

// A line of all variables is half as long.
inline constexpr size_t kMaxAccessFormat = 1024;

// The error says what is wrong with the text.
Result<AccessFormat> parse_access_format(std::string_view text);

}  // namespace dmpm
