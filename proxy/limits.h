// Every cap of the dispatcher, with its reason. Sizes in bytes unless said otherwise.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dmpm::limits {

using Milliseconds = std::chrono::milliseconds;

// ---- message heads: 431 or 414 beyond ----
// nginx takes 32 KiB in all, Apache 8 KiB a line; big cookies of single sign-on systems reach 16 KiB.
inline constexpr size_t kMaxHead = 32 * 1024;
inline constexpr size_t kMaxTarget = 8 * 1024;
// Browsers send 15 to 30. HTTP/2 cookie crumbs are joined and do not count.
inline constexpr size_t kMaxFields = 128;
// Names that Connection may nominate; real clients name one or two.
inline constexpr size_t kMaxNominated = 8;
// A worker's interim (1xx) responses to one request: 100 and 103 are all that is in use.
inline constexpr unsigned kMaxInterimResponses = 8;

// ---- chunked coding ----
// Extensions are legal and unused: bytes of them in one body, before it counts as an attack.
inline constexpr size_t kMaxChunkLine = 256;
inline constexpr size_t kMaxChunkOverhead = 16 * 1024;  // extensions of one body
inline constexpr size_t kMaxTrailers = 8 * 1024;

// ---- bodies under way ----
// What one exchange may hold in the dispatcher each way: the request body that waits for its worker,
// and the response that waits for its client.
inline constexpr size_t kRequestWindow = 64 * 1024;
inline constexpr size_t kResponseWindow = 64 * 1024;
// Pipelined requests that are read ahead while one is answered.
inline constexpr size_t kMaxPipelined = 16 * 1024;
// The rest of a request body after an early response, read and thrown away so that the connection
// lives on (or the client gets to read the response before a reset reaches it).
inline constexpr size_t kMaxDiscarded = 256 * 1024;

// ---- one read or write ----
// Four TLS records: beyond that, fewer system calls no longer pay for the cache that they fill.
inline constexpr size_t kReadSize = 64 * 1024;
inline constexpr size_t kTlsRecord = 16 * 1024;

// ---- connections ----
inline constexpr int kAcceptsPerRound = 64;  // so that a flood of connections lets others have a turn
inline constexpr size_t kMaxConnections = 100'000;
inline constexpr uint32_t kMaxRequestsPerConnection = 100'000;

// ---- time ----
inline constexpr Milliseconds kHandshakeTimeout{15'000};
inline constexpr Milliseconds kHeadTimeout{20'000};       // from a request's first byte to its head's end
inline constexpr Milliseconds kIdleTimeout{75'000};       // keep-alive, as nginx has it
inline constexpr Milliseconds kBodyTimeout{30'000};       // between two reads of a request body
inline constexpr Milliseconds kSendTimeout{60'000};       // a client that takes nothing
inline constexpr Milliseconds kLingerTimeout{5'000};      // for the client to read the last answer

// ---- certificates ----
// Parsed certificates kept; the least recently used goes first. About 6 KiB each.
inline constexpr size_t kMaxLoadedCertificates = 2'000;
// TLS handshakes that wait for a certificate from the master.
inline constexpr size_t kMaxWaitingHandshakes = 10'000;

}  // namespace dmpm::limits
