// RequestParser: bytes -> http::RequestHead, after RFC 9112 and stricter than it: an ambiguous
// request is rejected, never repaired (facts on request smuggling: RFC 9112 11.2).
//
// Incremental and linear: the input may arrive in any pieces. Does no I/O.
#pragma once

#include <string>
#include <string_view>

#include "base/client_limits.h"
#include "proxy/http/message.h"
#include "proxy/http/rejection.h"
#include "proxy/http1/field_section.h"

namespace dmpm::http1 {

class RequestParser {
 public:
  enum class Progress { incomplete, complete, rejected };

  explicit RequestParser(const ClientLimits& client_limits) : limits_(client_limits) {}
  // For the next request.
  void reset();

  // `input` holds everything that arrived since the request's first byte, and begins with it.
  Progress parse(std::string_view input);

  // After `complete`: the head's size, and the head as views into `input` and into this parser.
  size_t size() const { return lines_.position(); }
  const http::RequestHead& head() const { return head_; }
  // The client wants (or HTTP/1.0 implies) that the connection ends after this exchange.
  bool wants_close() const { return wants_close_; }

  // After `rejected`.
  const http::Rejection& rejection() const { return *rejection_; }

 private:
  Progress reject(const http::Rejection& why);
  size_t line_size(std::string_view input, bool incomplete) const;
  const http::Rejection* check_first_byte(std::string_view input) const;
  const http::Rejection* parse_line(std::string_view input);
  const http::Rejection* parse_request_line(std::string_view line);
  const http::Rejection* parse_version(std::string_view text);
  const http::Rejection* finish(std::string_view input);
  // The steps of finish().
  const http::Rejection* split_target(std::string_view input);
  const http::Rejection* read_fields();
  const http::Rejection* check_host();
  const http::Rejection* choose_framing();
  const http::Rejection* apply_connection();

  struct Seen;  // what read_fields() found

  const ClientLimits& limits_;
  LineScanner lines_;
  FieldSection section_;
  std::span<http::Field> fields_;
  http::RequestHead head_;
  const http::Rejection* rejection_ = nullptr;

  // The request line, as offsets.
  size_t method_size_ = 0, target_begin_ = 0, target_size_ = 0;
  size_t empty_lines_ = 0;
  bool have_request_line_ = false;
  bool done_ = false;
  bool wants_close_ = false;

  // What the fields said.
  const http::Field* host_ = nullptr;
  const http::Field* content_length_ = nullptr;
  const http::Field* transfer_encoding_ = nullptr;
  const http::Field* upgrade_ = nullptr;
  size_t upgrades_ = 0;
  std::string target_;                 // where it is not a part of the input
  std::string_view target_authority_;  // of an absolute-form target
  ConnectionOptions options_;
};

}  // namespace dmpm::http1
