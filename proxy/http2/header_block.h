// HeaderBlock: the fields of one request as HPACK yields them, with the caps that nghttp2 does not
// enforce, made into the same http::RequestHead that an HTTP/1 request becomes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/client_limits.h"
#include "proxy/http/message.h"
#include "proxy/http/rejection.h"

namespace dmpm::http2 {

class HeaderBlock {
 public:
  explicit HeaderBlock(const ClientLimits& limits) : limits_(limits) {}
  void reset();

  // One field in the order received. Beyond the caps it is counted but not kept: HPACK must be
  // decoded to the end, or the connection's table is lost.
  void add(std::string_view name, std::string_view value);
  // The sum of name + value + 32 over all fields (RFC 9113 6.5.2), kept or not.
  size_t total_size() const { return total_size_; }
  // How many there were, kept or not.
  size_t field_count() const { return field_count_; }

  // After the last field. The head's views are valid until reset(). Null, or why it is rejected.
  const http::Rejection* finish(bool end_stream);
  const http::RequestHead& head() const { return head_; }
  bool is_extended_connect() const { return extended_connect_; }

 private:
  struct Line {
    uint32_t name, name_size, value, value_size;
  };
  const http::Rejection* add_pseudo_fields();
  const http::Rejection* add_fields();
  const http::Rejection* check_body(bool end_stream);
  std::string_view name_of(const Line& line) const;
  std::string_view value_of(const Line& line) const;

  const ClientLimits& limits_;
  std::string bytes_;  // names and values, one after the other
  std::vector<Line> lines_;
  std::string websocket_key_;
  std::string cookie_;  // the crumbs, joined (RFC 9113 8.2.3)
  std::vector<http::Field> fields_;
  http::RequestHead head_;
  bool have_host_ = false;
  bool have_cookie_ = false;
  std::string_view content_length_;
  std::string_view protocol_;
  size_t total_size_ = 0;
  size_t field_count_ = 0;
  size_t regular_fields_ = 0;
  bool too_many_ = false;
  bool extended_connect_ = false;
};

}  // namespace dmpm::http2
