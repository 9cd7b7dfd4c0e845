// The rules that a request's head must meet, once for HTTP/1 and HTTP/2. Each function returns null
// or why the request is rejected.
#pragma once

#include <string_view>

#include "proxy/http/message.h"
#include "proxy/http/rejection.h"

namespace dmpm::http {

// head.method and head.target are set: fit for an origin's front end (no CONNECT, no TRACE).
const Rejection* check_target(const RequestHead& head);
// head.authority is set: valid; sets head.host.
const Rejection* check_authority(RequestHead& head);
// A method may be as long as this leaves room for, in either protocol: the line "METHOD TARGET
// HTTP/1.1" is at most so much longer than the longest target.
inline constexpr size_t longest_request_line(size_t longest_target) {
  return longest_target + 64;
}
inline constexpr size_t request_line_size(std::string_view method, std::string_view target) {
  return method.size() + target.size() + std::string_view("  HTTP/1.1").size();
}
// One field: sets field.forward and what the head keeps of it (Expect, TE).
const Rejection* read_field(Field& field, RequestHead& head);

inline constexpr Rejection kBadTarget{400, "the request target is malformed"};
inline constexpr Rejection kBadHost{400, "the Host field is malformed"};
inline constexpr Rejection kNoHost{400, "there is no Host field"};
inline constexpr Rejection kManyHosts{400, "there is more than one Host field"};
inline constexpr Rejection kHostDiffers{
    400, "the request target and the Host field name different hosts"};
inline constexpr Rejection kTargetTooLong{414, "the request target is too long"};
inline constexpr Rejection kHeadTooLarge{431, "the request's head is too large"};
inline constexpr Rejection kTooManyFields{431, "there are too many header fields"};
inline constexpr Rejection kBodyTooLarge{413, "the request's body is too large"};

}  // namespace dmpm::http
