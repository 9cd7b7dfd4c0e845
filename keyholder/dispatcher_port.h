// DispatcherPort: the channel of one dispatcher: its requests, its answers and its rates.
//
// Nothing on it is trusted, and nothing ends it: a malformed message is counted and answered with
// nothing. Who does not read his answers is not read either. The channel is older than the dispatcher that uses it now: its predecessor's requests may
// still be in it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/rate_limit.h"
#include "base/wire.h"
#include "keyholder/key_store.h"
#include "keyholder/protocol.h"

namespace dmpm::keyholder {

class DispatcherPortOwner {
 public:
  // Before a message is read: what the master said before counts.
  virtual void before_requests() = 0;
  virtual void on_request(Request request) = 0;
  // `count` times since it was said last.
  virtual void on_offence(unsigned dispatcher, keyholder_protocol::MasterRequestType kind,
                          uint32_t count) = 0;

 protected:
  ~DispatcherPortOwner() = default;
};

class DispatcherPort final : private IoHandler, private Deferred, private TimerHandler {
 public:
  DispatcherPort(EventLoop& loop, Fd fd, unsigned number, DispatcherPortOwner& owner);

  // Answers; sent at the end of the round.
  void certificate(uint64_t id, const Pairs& pairs);
  void signature(uint64_t id, std::string_view signature);
  void refused(uint64_t id, std::string_view reason);
  // `keys`: each of kTicketKeySize, the newest first.
  void ticket_keys(const std::vector<std::string>& keys);

  void count_offence(keyholder_protocol::MasterRequestType kind);

 private:
  void on_readable() override;
  void on_writable() override;
  void run_deferred() override { send_answers(); }
  void on_timer() override;
  void on_message(std::string_view message);
  bool read_request(WireReader& reader);
  bool within_rate(const Request& request);
  WireWriter& answer(keyholder_protocol::Answer kind, size_t size);
  void send_answers();
  bool send_now(const std::string& message) const;

  EventLoop& loop_;
  const Fd fd_;
  const unsigned number_;
  DispatcherPortOwner& owner_;
  RateLimit signatures_, loads_;
  WireWriter answers_;  // of this round
  std::deque<std::string> unsent_;
  size_t unsent_bytes_ = 0;
  std::array<uint32_t, 4> offences_{};  // by kind, not reported yet
  Timer report_;
  IoWatcher watcher_;
};

}  // namespace dmpm::keyholder
