// Every cap of dmpm-metrics, with its reason.
#pragma once

#include <sys/resource.h>

#include <cstddef>

#include "base/event_loop.h"

namespace dmpm::metrics::limits {

// Scrapers, browsers and their neighbours. More wait in the sockets' queues.
inline constexpr size_t kMaxConnections = 16;
// Far more than the connections, and above the numbers of what is inherited.
inline constexpr rlim_t kMaxOpenFiles = 128;
// A request's head. Scrapers send 300 bytes, browsers 1,000.
inline constexpr size_t kMaxRequest = 8 * 1024;
// Bytes of an answer that are made at a time; the next ones when these have left.
inline constexpr size_t kPiece = 64 * 1024;
// For the whole request; then for each piece of the answer.
inline constexpr Milliseconds kRequestTime{10'000};
inline constexpr Milliseconds kPieceTime{10'000};

// The master only tells: what waits to be sent to it is nothing.
inline constexpr size_t kMaxQueuedToMaster = 0;

// ---- the status page ----
// Load is looked at so often, and so many looks are kept: ten minutes.
inline constexpr Milliseconds kSampleEvery{5'000};
inline constexpr size_t kSamples = 120;
// Workers' troubles that are remembered, over all groups.
inline constexpr size_t kTroubles = 64;

}  // namespace dmpm::metrics::limits
