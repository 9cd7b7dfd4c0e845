// Every cap of the dispatcher that is not configurable, with its reason; those that are stand in
// base/client_limits.h. Sizes in bytes unless said otherwise.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dmpm::limits {

using Milliseconds = std::chrono::milliseconds;

// ---- heads ----
// A worker's response head: as large as a request's may be by default, and more fields than any sends.
inline constexpr size_t kMaxResponseHead = 32 * 1024;
inline constexpr size_t kMaxResponseFields = 256;
// Names that Connection may nominate; real clients name one or two.
inline constexpr size_t kMaxNominated = 8;
// A worker's interim (1xx) responses to one request: 100 and 103 are all that is in use.
inline constexpr unsigned kMaxInterimResponses = 8;

// What a pooled stream or exchange keeps of the memory for heads: room for an ordinary one.
inline constexpr size_t kKeptOfHead = 4 * 1024;
inline constexpr size_t kKeptFields = 64;

// ---- chunked coding ----
// Extensions are legal and unused: bytes of them on one line and in one body.
inline constexpr size_t kMaxChunkLine = 256;
inline constexpr size_t kMaxChunkOverhead = 16 * 1024;
inline constexpr size_t kMaxTrailers = 8 * 1024;

// ---- bodies under way ----
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
inline constexpr int kAcceptsPerRound = 8;  // so that a flood of them lets others have a turn
inline constexpr Milliseconds kSayFullEvery{60'000};  // while none can be accepted
inline constexpr Milliseconds kLingerTimeout{5'000};  // for the client to read the last answer
// Half of a tunnel has ended: how long the other half may go on without moving.
inline constexpr Milliseconds kHalfTunnelTimeout{30'000};

// Half of the descriptors are kept for connections to workers; one group gets at most this part of
// them: a flood on one customer leaves the others theirs.
inline constexpr size_t kGroupShare = 4;

// Idle connections to workers that are one client's (private_connections.h): a page's first burst of
// requests leaves more, a busy site has better use for them.
inline constexpr size_t kMaxPrivateConnections = 8;
// The server name in a PROXY header. Apache takes no header of more than 232 bytes; all else that is in
// ours has at most 114.
inline constexpr size_t kMaxProxyAuthority = 100;

// ---- certificates ----
// Parsed certificates kept; the least recently used goes first. About 6 KiB each.
inline constexpr size_t kMaxLoadedCertificates = 2'000;
// One that could not be loaded is not asked for again before: its file may be there by then.
inline constexpr Milliseconds kFailedCertificate{10'000};

// ---- the keyholder ----
// Requests of one message, and what may wait while it does not read: 250 bytes a handshake.
// Handshakes that wait for a signature at a time. More wait only while the keyholder is being started
// anew; those fail, and their clients come again.
inline constexpr size_t kMaxPendingSignatures = 4'096;
inline constexpr size_t kKeyholderMessage = 64 * 1024;
inline constexpr size_t kMaxQueuedForKeyholder = 16 * 1024 * 1024;

}  // namespace dmpm::limits
