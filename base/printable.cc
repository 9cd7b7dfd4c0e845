#include "base/printable.h"

#include <cstdint>

namespace dmpm {

namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

void append_hex(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

}  // namespace

size_t printable_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return (lead >= 0x20 && lead != 0x7f) || lead == '\t' ? 1 : 0;
  const size_t size = lead >= 0xc2 && lead < 0xe0   ? 2
                      : lead >= 0xe0 && lead < 0xf0 ? 3
                      : lead >= 0xf0 && lead < 0xf5 ? 4
                                                    : 0;
  if (size == 0 || size > text.size()) return 0;
  uint32_t code = lead & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return 0;
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  if (code < 0xa0) return 0;                       // C1 controls
  if (size == 3 && code < 0x800) return 0;         // overlong
  if (size == 4 && code < 0x10000) return 0;       // overlong
  if (code >= 0xd800 && code < 0xe000) return 0;   // surrogates
  if (code == 0x2028 || code == 0x2029) return 0;  // line and paragraph separators
  if (code >= 0x202a && code <= 0x202e) return 0;  // text direction overrides
  if (code >= 0x2066 && code <= 0x2069) return 0;  // text direction isolates
  return code > 0x10ffff ? 0 : size;
}

void append_printable(std::string& out, std::string_view text) {
  while (!text.empty()) {
    size_t size = printable_size(text);
    if (size == 0) {
      append_hex(out, text[0]);
      size = 1;
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
}

}  // namespace dmpm
