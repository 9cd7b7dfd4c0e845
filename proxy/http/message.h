// A request's and a response's head, parsed: what passes between the client's protocol and the
// worker's. Neither knows the other's framing: both are regenerated from this.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/http/field.h"

namespace dmpm::http {

// How long a body is.
enum class BodyLength : uint8_t {
  none,     // there is no body
  known,    // exactly `content_length` bytes (may be 0)
  unknown,  // until its end is signalled (chunked, END_STREAM, or the worker's close)
};

// All views are valid only during the call that hands the head over.
struct RequestHead {
  std::string_view method;
  std::string_view target;     // origin-form or "*"
  std::string_view authority;  // as the client sent it: host [":" port], validated
  std::string_view host;       // of authority: without port, case as sent
  std::span<const Field> fields;
  BodyLength body = BodyLength::none;
  uint64_t content_length = 0;
  bool is_head = false;           // method HEAD: the response has no body whatever its fields say
  bool expects_continue = false;  // Expect: 100-continue; the body may not come before a 100
  std::string_view upgrade;  // the Upgrade field's value when an upgrade is asked for, else empty
  bool accepts_trailers = false;  // TE: trailers
  bool http_1_0 = false;          // the client cannot take 1xx or chunked
};

struct ResponseHead {
  unsigned status = 0;
  std::string_view reason;  // may be empty
  std::span<const Field> fields;
  BodyLength body = BodyLength::none;
  uint64_t content_length = 0;
  // A length to be shown though no body follows (HEAD, 304).
  bool shows_content_length = false;
};

}  // namespace dmpm::http
