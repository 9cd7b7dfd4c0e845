// The rules for what a request may contain, in one place for HTTP/1 and HTTP/2 (RFC 9110 5.1, 5.5,
// 4.2, 7.2; RFC 3986 3.2.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dmpm::http {

// token = 1*tchar.
bool is_token(std::string_view text);
// No control character but HTAB; obs-text (bytes above 0x7f) is let through as opaque.
bool is_field_value(std::string_view text);
// "/path?query" or "*": visible ASCII only, no fragment. "*" is for OPTIONS: the caller checks that.
bool is_request_target(std::string_view text);

// host [ ":" port ] of a Host field or :authority.
struct Authority {
  std::string_view host;  // as sent, without port; with brackets when an IPv6 literal
  bool valid = false;
};
// A registered name here is letters, digits, '-', '_' and '.', at most 255 bytes; else an IPv4
// address or an IPv6 literal in brackets. No user information, no percent-encoding, no list.
Authority parse_authority(std::string_view text);

// `host` as it is looked up: lower case, without a trailing dot, an IPv6 literal in its
// shortest form. Written into `out` (reused).
void normalize_host(std::string_view host, std::string& out);

}  // namespace dmpm::http
