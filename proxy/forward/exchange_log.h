// ExchangeLog: what the access log is to say of the exchange that a forwarder carries.
//
// Not begun, for exchanges that are not logged, every call does nothing but look at a flag.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "logger/exchange_protocol.h"
#include "proxy/access_log.h"
#include "proxy/http/forwarding.h"

namespace dmpm::forward {

class ExchangeLog {
 public:
  using Outcome = exchange_protocol::Outcome;
  // The status that is shown when the client left before there was one, as nginx does.
  static constexpr uint16_t kClientLeft = 499;

  ExchangeLog(EventLoop& loop, AccessLog& log) : loop_(loop), log_(log) {}

  // Each of them starts a record; end() ends it. `head` may be null: the request was rejected before
  // there was one.
  void begin(const http::RequestHead* head, const http::ClientInfo& client, uint32_t virtual_host);
  bool begun() const { return begun_; }

  void queue_begins() {
    if (begun_) queue_since_ = loop_.now();
  }
  void queue_ends() {
    if (begun_) add_queue_time();
  }
  // The final head is sent.
  void on_head(unsigned status) {
    if (!begun_ || record_.status != 0) return;
    record_.status = static_cast<uint16_t>(status);
    record_.first_byte = since(started_);
  }
  void on_body_sent(size_t size) { record_.body_sent += size; }
  // So much of what was sent has not left.
  void take_back(size_t size) { record_.body_sent -= std::min<uint64_t>(record_.body_sent, size); }
  void set_error(std::string_view id) {
    if (begun_) add_text(exchange_protocol::error_id, id);
  }
  void end(Outcome outcome, uint64_t body_received) {
    if (begun_) write(outcome, body_received);
  }

 private:
  // In the order of exchange_protocol::Text.
  void add_text(exchange_protocol::Text which, std::string_view text);
  void add_queue_time();
  void write(Outcome outcome, uint64_t body_received);
  uint32_t since(Instant start) const {
    return static_cast<uint32_t>((loop_.now() - start).count());
  }

  EventLoop& loop_;
  AccessLog& log_;
  exchange_protocol::Record record_;
  std::string texts_;  // keeps its memory from exchange to exchange
  Instant started_{};
  Instant queue_since_{};
  bool begun_ = false;
};

}  // namespace dmpm::forward
