// The Date field that a forwarded response gets when it has none (RFC 9110 6.6.1).
#pragma once

#include <array>
#include <ctime>
#include <string_view>

namespace dmpm::http {

// IMF-fixdate of now; points into `buffer`.
inline std::string_view format_date(std::array<char, 40>& buffer) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  const size_t size =
      std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {buffer.data(), size};
}

}  // namespace dmpm::http
