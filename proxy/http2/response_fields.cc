#include "proxy/http2/response_fields.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "proxy/http/date.h"

namespace dmpm::http2 {

ResponseFields::ResponseFields(const http::ResponseHead& head, unsigned status) {
  size_t size = 0;
  for (const http::Field& field : head.fields) size += field.name.size();
  names_.reserve(size + 64);
  fields_.reserve(head.fields.size() + 3);
  std::to_chars(status_.data(), status_.data() + status_.size(), status);
  add(":status", {status_.data(), status_.size()});
  bool dated = false;
  for (const http::Field& field : head.fields) {
    if (!field.forward) continue;
    // RFC 8441: what belongs to the worker's handshake stays here.
    if (head.status == 101 && equals_ignoring_case(field.name, "sec-websocket-accept")) continue;
    dated |= field.id == http::FieldName::date;
    add(field.name, field.value);
  }
  if (!dated && status >= 200) add("date", http::format_date(date_));
  if (head.body == http::BodyLength::known || head.shows_content_length) {
    const auto end =
        std::to_chars(length_.data(), length_.data() + length_.size(), head.content_length).ptr;
    add("content-length", {length_.data(), static_cast<size_t>(end - length_.data())});
  }
}

ResponseFields::ResponseFields(std::string_view lines) {
  names_.reserve(lines.size());
  while (!lines.empty()) {
    const size_t colon = lines.find(": "), end = lines.find("\r\n");
    add(lines.substr(0, colon), lines.substr(colon + 2, end - colon - 2));
    lines.remove_prefix(end + 2);
  }
}

void ResponseFields::add(std::string_view name, std::string_view value) {
  const size_t at = names_.size();
  names_ += name;
  std::transform(names_.begin() + static_cast<ptrdiff_t>(at), names_.end(),
                 names_.begin() + static_cast<ptrdiff_t>(at), to_lower);
  // nghttp2 copies both; its types know no const.
  fields_.push_back({reinterpret_cast<uint8_t*>(names_.data() + at),
                     reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                     value.size(), NGHTTP2_NV_FLAG_NONE});
}

}  // namespace dmpm::http2
