// Failure: why an exchange could not be served, for the client's error page, the log and the counters.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "metrics/segment.h"

namespace dmpm::forward {

struct Failure {
  unsigned status;          // 4xx or 5xx
  std::string_view reason;  // for the client: says nothing of the machine's inside
  std::string_view detail;  // for the log, in full; valid during the call
  std::optional<std::chrono::milliseconds> retry_after;
  metrics::Rejection why;
};

// A request that its client should not have made, or made so.
inline Failure bad_request(unsigned status, std::string_view reason) {
  using enum metrics::Rejection;
  metrics::Rejection why = malformed;
  if (status == 408) why = too_slow;
  if (status == 413 || status == 414 || status == 431) why = too_large;
  if (status >= 500) why = unsupported;
  return {status, reason, reason, {}, why};
}

}  // namespace dmpm::forward
