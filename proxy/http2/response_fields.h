// A response head as nghttp2 wants it: ":status", lower-case names, no framing fields.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <string>
#include <vector>

#include "proxy/http/message.h"

namespace dmpm::http2 {

// Valid as long as the head's views and this object.
class ResponseFields {
 public:
  // `status` is what the client is told (200 where a worker's 101 accepts a WebSocket).
  ResponseFields(const http::ResponseHead& head, unsigned status);
  // Lines "name: value\r\n".
  explicit ResponseFields(std::string_view trailer_lines);

  const nghttp2_nv* data() const { return fields_.data(); }
  size_t size() const { return fields_.size(); }

 private:
  void add(std::string_view name, std::string_view value);
  std::string names_;  // lower case; reserved before any field points into it
  std::array<char, 3> status_{};
  std::array<char, 20> length_{};
  std::array<char, 40> date_{};
  std::vector<nghttp2_nv> fields_;
};

}  // namespace dmpm::http2
