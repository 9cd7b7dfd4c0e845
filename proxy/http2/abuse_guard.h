// AbuseGuard: what one HTTP/2 connection may do that costs us more than it costs the client. Each
// kind has a token bucket; when one is empty the connection ends with ENHANCE_YOUR_CALM.
//
// nghttp2 1.52 accepts all of these without end (rapid reset CVE-2023-44487, MadeYouReset
// CVE-2025-8671, floods of SETTINGS, PING, PRIORITY and empty DATA).
#pragma once

#include <algorithm>

#include "base/rate_limit.h"

namespace dmpm::http2 {

class AbuseGuard {
 public:
  // Streams that end before their time, whoever resets them: a browser that leaves a page with 100
  // images cancels 100 streams; a few pages a second nobody reads.
  bool allow_reset(Instant now) { return resets_.take(now); }
  // Frames that carry nothing: SETTINGS, PING, PRIORITY, empty DATA, unknown types.
  bool allow_useless_frame(Instant now) { return useless_.take(now); }
  // Bytes that came to nothing: padding, unknown frames, frames on closed streams, header blocks
  // that never end.
  bool allow_waste(Instant now, size_t bytes) {
    return waste_.take(now, static_cast<double>(bytes));
  }
  // What was counted as waste has come to something after all.
  void return_waste(size_t bytes) { waste_.give_back(static_cast<double>(bytes)); }
  // WINDOW_UPDATEs: an ordinary client sends up to two, the stream's and the connection's, for what it
  // was sent; a thousand for nothing is not ordinary.
  bool allow_window_update(Instant now) { return updates_.take(now); }
  // A DATA frame went out. `whole`: with all that there was. A client's window may make frames of one
  // byte out of an answer, and would be paid for it.
  void note_data_sent(size_t bytes, bool whole) {
    updates_.give_back(
        static_cast<double>(std::max<size_t>(bytes / kBytesPerUpdate, whole ? 2 : 0)));
  }

 private:
  static constexpr size_t kBytesPerUpdate = 1024;
  RateLimit resets_{20, 200};
  RateLimit useless_{20, 400};
  RateLimit updates_{1'000, 5'000};
  RateLimit waste_{64 * 1024, 512 * 1024};
};

}  // namespace dmpm::http2
