// field: a field's value in the head of a message, for the two ends of the comparison.
#pragma once

#include <strings.h>

#include <cstddef>
#include <string_view>

namespace dmpm::bench {

// The value of a field whose name is written in lower case, found in any case; empty without it.
inline std::string_view field(std::string_view head, std::string_view name) {
  for (size_t line = head.find("\r\n"); line != std::string_view::npos;
       line = head.find("\r\n", line)) {
    line += 2;
    const std::string_view rest = head.substr(line);
    if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
    if (strncasecmp(rest.data(), name.data(), name.size()) != 0) continue;
    std::string_view value = rest.substr(name.size() + 1);
    value = value.substr(0, value.find("\r\n"));
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return value;
  }
  return {};
}

}  // namespace dmpm::bench
