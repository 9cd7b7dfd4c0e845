// HTTP/2 frames made by hand.
#pragma once

#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>

namespace dmpm::test {

// RFC 9113 4.1; `stream` of two bytes.
inline std::string frame(unsigned type, unsigned flags, uint32_t stream, std::string_view payload) {
  const size_t size = payload.size();
  const std::string head{static_cast<char>(size >> 16),
                         static_cast<char>(size >> 8),
                         static_cast<char>(size),
                         static_cast<char>(type),
                         static_cast<char>(flags),
                         0,
                         0,
                         static_cast<char>(stream >> 8),
                         static_cast<char>(stream & 255)};
  return head + std::string(payload);
}

// What a client's connection begins with.
inline std::string hello() {
  return NGHTTP2_CLIENT_MAGIC + frame(NGHTTP2_SETTINGS, 0, 0, {});
}

// HPACK: ":method: GET", ":scheme: https", ":path: /" of the static table, ":authority" literally.
inline std::string get_block(std::string_view host) {
  return std::string("\x82\x87\x84\x01") + static_cast<char>(host.size()) + std::string(host);
}

}  // namespace dmpm::test
