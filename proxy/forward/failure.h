// Failure: why an exchange could not be served, for the client's error page and the log.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace dmpm::forward {

struct Failure {
  unsigned status;          // 4xx or 5xx
  std::string_view reason;  // for the client: says nothing of the machine's inside
  std::string_view detail;  // for the log, in full; valid during the call
  std::optional<std::chrono::milliseconds> retry_after;
};

}  // namespace dmpm::forward
