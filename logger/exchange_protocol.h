// What the dispatchers tell the logger of the exchanges that they have carried, over a channel of its
// own (kDispatcherExchanges, kLoggerExchanges), so that a flood of requests costs no line of theirs.
//
//   message   MessageHead, then `count` records                         at most kMaxMessage bytes
//   record    Record, then its texts without a separator, in the order of enum Text
//
// Host byte order: both ends are one build on one machine. The logger trusts nothing of it: what does
// not add up is counted and passed over, and a virtual host that it was not told of is none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace dmpm::exchange_protocol {

// Large enough that its cost is shared by some hundred requests; with `net.unix.max_dgram_qlen` at
// its default of 10, the channel holds ten of them.
inline constexpr size_t kMaxMessage = 64 * 1024;

struct MessageHead {
  uint32_t count = 0;
  uint32_t unused = 0;
  uint64_t dropped = 0;  // records that the sender could not send since its last message
};

// The client's strings and others, with the most bytes of each that are told: a request's line is told
// whole with the default limits, and what a record costs stays bounded.
enum Text : size_t {
  client,  // its address
  method,
  target,
  host,  // as the client sent it
  referer,
  user_agent,
  tls_protocol,
  tls_cipher,
  error_id,
  kTexts
};
inline constexpr std::array<size_t, kTexts> kMaxText{64, 64, 8192, 256, 2048, 1024, 16, 64, 32};

enum class Protocol : uint8_t { unknown, http_1_0, http_1_1, http_2 };
enum class Outcome : uint8_t {
  complete,
  client_left,  // before the response was complete
  aborted,      // by dmpm, after the response's head: the error id says why
};

inline constexpr uint32_t kNoVirtualHost = 0xffffffff;
inline constexpr uint32_t kNoTime = 0xffffffff;

struct Record {
  uint32_t size = 0;  // with its texts
  uint32_t virtual_host = kNoVirtualHost;
  int64_t ended = 0;  // ms of CLOCK_MONOTONIC
  uint64_t body_sent = 0;
  uint64_t body_received = 0;
  // Milliseconds.
  uint32_t total = 0;             // from the request's head to the end
  uint32_t first_byte = kNoTime;  // from the request's head to the response's
  uint32_t queue = kNoTime;       // waited for a worker
  uint32_t tls = kNoTime;         // the connection's handshake, with its first request
  uint32_t connection_requests = 0;
  uint16_t status = 0;
  Protocol protocol = Protocol::unknown;
  Outcome outcome = Outcome::complete;
  uint16_t cut = 0;  // a bit for each text that was longer
  std::array<uint16_t, kTexts> text_size{};
};

// The largest record.
inline constexpr size_t kMaxRecord = [] {
  size_t size = sizeof(Record);
  for (const size_t most : kMaxText) size += most;
  return size;
}();
static_assert(sizeof(MessageHead) + kMaxRecord <= kMaxMessage);

}  // namespace dmpm::exchange_protocol
