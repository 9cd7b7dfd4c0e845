// Shares: how much of the dispatcher's time each client address has taken lately, so that those who
// take much are served behind those who take little (Priority).
//
// Work is estimated (proxy/allowance.h). A fixed number of books, chosen by a hash of the address
// that nobody can foresee: two addresses in one book share it, which costs them a little when one
// of them floods us.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/event_loop.h"
#include "proxy/allowance.h"

namespace dmpm::net {

// What a connection does at once; the rest waits for its turn. The second: while there are no others
// but such as take much (EventLoop::hurried()).
inline constexpr unsigned kWorkAtOnce = 60;
inline constexpr unsigned kQuietWorkAtOnce = 400;

// A tenth of a processor for each address, and a page with a few hundred resources at once.
class Share : public Allowance<100> {
 public:
  // One of its connections was ended because it misbehaved: handshakes of further ones wait a moment,
  // and longer when that happens again and again, so that coming back at once is no way to go on.
  void hold_back(Instant now) {
    strikes_ = now < strikes_until_ ? std::min(strikes_ + 1, kMostStrikes) : 1;
    strikes_until_ = now + kStrikeKept;
    held_until_ = now + kHold * strikes_;
  }
  // A client left in the middle of its handshake. Networks do that now and then; whoever does it on and
  // on is held back.
  void note_broken_handshake(Instant now) {
    if (now >= broken_until_) {
      broken_until_ = now + kBrokenKept;
      broken_handshakes_ = 0;
    }
    if (++broken_handshakes_ > kMostBroken) hold_back(now);
  }
  // How long the handshake of a new connection has to wait: one after the other, so that those who
  // wait do not come all at once.
  Milliseconds held(Instant now) {
    if (now >= held_until_) return Milliseconds(0);
    const Milliseconds apart = strikes_ == 1 ? kHeldApart : kHeldFurtherApart;
    next_held_ = std::min(std::max(held_until_, next_held_ + apart), now + kLongestHold);
    return next_held_ - now;
  }

 private:
  // Not long for a neighbour behind the same address, unless there are many who misbehave.
  static constexpr Milliseconds kHold{1'000};  // for each strike
  static constexpr Milliseconds kHeldApart{400};
  static constexpr Milliseconds kHeldFurtherApart{1'000};
  static constexpr Milliseconds kLongestHold{20'000};
  static constexpr int kMostStrikes = 4;
  static constexpr Milliseconds kStrikeKept{30'000};
  static constexpr unsigned kMostBroken = 50;  // handshakes, in
  static constexpr Milliseconds kBrokenKept{10'000};

  Instant held_until_{};
  Instant next_held_{};  // when the last one that waits may begin
  Instant strikes_until_{};
  Instant broken_until_{};
  int strikes_ = 0;
  unsigned broken_handshakes_ = 0;
};

class Shares {
 public:
  explicit Shares(uint64_t random_seed) : seed_(random_seed | 1) {}

  // `address`: AddressCounts' key.
  Share& of(uint64_t address) {
    // Multiply-shift hashing: the upper bits of the product depend on all of both.
    const uint64_t mixed = (address ^ seed_ >> 7) * seed_;
    return books_[(mixed ^ mixed >> 32) * seed_ >> 52];
  }

 private:
  const uint64_t seed_;
  std::array<Share, 4096> books_;
};

}  // namespace dmpm::net
