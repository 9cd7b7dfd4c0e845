#include "logger/timestamp.h"

#include <cstdio>
#include <ctime>

namespace dmpm {

std::string rfc3339(std::chrono::system_clock::time_point time) {
  using std::chrono::milliseconds;
  const auto since = std::chrono::floor<milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto second = static_cast<time_t>(seconds.count());
  tm parts{};
  ::gmtime_r(&second, &parts);
  char text[64];
  const int size =
      std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                    parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                    static_cast<int>((since - seconds).count()));
  return {text, static_cast<size_t>(size)};
}

}  // namespace dmpm
