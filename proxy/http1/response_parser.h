// ResponseParser: a worker's bytes -> http::ResponseHead (RFC 9112 4, 6.3), incremental, strict.
// A worker is a customer's program: what it sends is trusted no more than what a client sends.
#pragma once

#include <string_view>

#include "proxy/http/message.h"
#include "proxy/http/rejection.h"
#include "proxy/http1/field_section.h"

namespace dmpm::http1 {

class ResponseParser {
 public:
  enum class Progress { incomplete, complete, rejected };
  // How the end of the body is found on this connection.
  enum class Framing : uint8_t { none, length, chunked, until_close, tunnel };

  // For the response to a request with that method, which asked for that upgrade, if any (it outlives
  // the response). Keeps its memory.
  void reset(bool request_is_head, std::string_view requested_upgrade);

  // `input` holds everything since the response's first byte, and begins with it.
  Progress parse(std::string_view input);

  // After `complete`; the head is a view into `input` and this parser.
  size_t size() const { return lines_.position(); }
  const http::ResponseHead& head() const { return head_; }
  Framing framing() const { return framing_; }
  // The worker keeps its connection open behind this response.
  bool keep_alive() const { return keep_alive_; }
  bool interim() const { return head_.status < 200 && framing_ != Framing::tunnel; }

  // After `rejected`: status 502.
  const http::Rejection& rejection() const { return *rejection_; }

 private:
  Progress reject(const http::Rejection& why);
  const http::Rejection* parse_line(std::string_view input);
  const http::Rejection* parse_status_line(std::string_view line);
  const http::Rejection* finish(std::string_view input);
  const http::Rejection* choose_framing(const http::Field* length, const http::Field* coding);
  const http::Rejection* check_upgrade(bool nominated);

  LineScanner lines_;
  FieldSection section_;
  http::ResponseHead head_;
  const http::Rejection* rejection_ = nullptr;
  size_t reason_begin_ = 0, reason_size_ = 0;
  Framing framing_ = Framing::none;
  bool request_is_head_ = false;
  std::string_view requested_upgrade_;
  bool have_status_line_ = false;
  bool done_ = false;
  bool http_1_0_ = false;
  bool keep_alive_ = false;
};

}  // namespace dmpm::http1
