// Comma-separated lists of tokens (RFC 9110 5.6.1), as in Connection and TE.
#pragma once

#include <string_view>

#include "proxy/http/syntax.h"

namespace dmpm::http {

// Without SP and HTAB at both ends.
inline std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `use(element)` for each element of a list, trimmed; empty ones are skipped (RFC 9110
// 5.6.1.2).
template <typename Use>
void for_each_element(std::string_view list, Use use) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (!element.empty()) use(element);
  }
}

}  // namespace dmpm::http
