// KeyStore: every certificate that is loaded, by number, with the requests that wait for one.
//
//             a request                   all its pairs have come
//   absent ──────────────▶ asked ───────────────────────────────▶ loaded
//     ▲                      │  ▲                                   │ │
//     │                      │  └───────────── forget() ────────────┘ │ the least recently used
//     └──────────────────────┴────────────────────────────────────────┘ of too many
//       none of them is good, or no_key
//
// When none of a renewed certificate's pairs is good, those before it stay loaded. Otherwise nothing is
// kept of a certificate that cannot be loaded: who asks for it again has it read again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "base/intrusive_list.h"
#include "base/rate_limit.h"
#include "keyholder/key_pair.h"
#include "keyholder/limits.h"

namespace dmpm::keyholder {

// What a dispatcher asked for.
struct Request {
  unsigned dispatcher = 0;
  uint64_t id = 0;
  uint32_t certificate = 0;
  bool sign = false;  // else: the certificates
  Fingerprint fingerprint{};
  keyholder_protocol::Algorithm algorithm{};
  std::string message;
};

using Pairs = std::vector<std::unique_ptr<KeyPair>>;

class KeyStoreOwner {
 public:
  virtual void want_key(uint32_t certificate) = 0;
  virtual void report(uint32_t certificate, uint32_t index,
                      keyholder_protocol::Verdict verdict) = 0;
  // A request can be answered: with `pairs`, or with why there are none.
  virtual void serve(const Request& request, const Pairs& pairs) = 0;
  virtual void refuse(const Request& request, std::string_view reason) = 0;

 protected:
  ~KeyStoreOwner() = default;
};

class KeyStore final : private TimerHandler {
 public:
  KeyStore(EventLoop& loop, KeyStoreOwner& owner)
      : loop_(loop),
        owner_(owner),
        questions_(keyholder_limits::kQuestionsPerSecond, keyholder_limits::kQuestionBurst),
        pause_(loop, *this) {}

  // Answered now or later, exactly once.
  void handle(Request request);
  // A renewed or removed certificate's pair, for a handshake that began with it. Null: it is not here.
  KeyPair* find_retired(uint32_t certificate, const Fingerprint& fingerprint);

  // ---- from the master ----
  void on_key(uint32_t certificate, uint32_t count, uint32_t index, std::string_view chain,
              std::string_view key);
  void on_no_key(uint32_t certificate, std::string_view reason);
  void forget(uint32_t certificate);

  size_t loaded() const { return loaded_; }

 private:
  struct Entry : ListNode<Entry> {
    uint32_t certificate = 0;
    bool is_loaded = false;
    bool absent = false;    // no_key has come
    bool outdated = false;  // forgotten while it was asked for: what comes is of no use
    Pairs pairs;
    std::string failure;
    std::vector<Request> waiting;
  };
  struct Retired {
    uint32_t certificate;
    std::unique_ptr<KeyPair> pair;
    Instant until;
  };

  void ask(uint32_t certificate);
  void ask_next();
  void on_timer() override { ask_next(); }
  void finish(Entry& entry);
  void retire(Entry& entry);
  void take_back(Entry& entry);
  void drop_retired();

  EventLoop& loop_;
  KeyStoreOwner& owner_;
  PrivateKeyReader keys_;
  std::unordered_map<uint32_t, std::unique_ptr<Entry>> entries_;
  IntrusiveList<Entry> by_use_;  // loaded ones; the least recently used first
  std::deque<Retired> retired_;  // the oldest first
  std::deque<uint32_t> to_ask_;  // certificates that the master is still to be asked for
  RateLimit questions_;
  Timer pause_;         // until the next question may be put
  size_t asked_ = 0;    // questions that are unanswered
  size_t waiting_ = 0;  // requests, over all entries
  size_t loaded_ = 0;
};

}  // namespace dmpm::keyholder
