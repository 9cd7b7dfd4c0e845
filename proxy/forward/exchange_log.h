// ExchangeLog: what is kept of the exchange that a forwarder carries: for the counters always, and for
// the access log where it is logged.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "logger/exchange_protocol.h"
#include "proxy/access_log.h"
#include "proxy/counts.h"
#include "proxy/forward/failure.h"
#include "proxy/forward/router.h"
#include "proxy/http/forwarding.h"

namespace dmpm::forward {

class ExchangeLog {
 public:
  using Outcome = exchange_protocol::Outcome;
  // The status that is shown when the client left before there was one, as nginx does.
  static constexpr uint16_t kClientLeft = 499;

  ExchangeLog(EventLoop& loop, AccessLog& log, Counts& counts)
      : loop_(loop), log_(log), counts_(counts) {}

  // Each of them starts a record; end() ends it. `head` may be null: the request was rejected before
  // there was one. So may `host`: there is none of that name.
  void begin(const http::RequestHead* head, const http::ClientInfo& client,
             const VirtualHost* host);
  bool begun() const { return begun_; }
  // Whose request it turned out to be.
  void set_group(metrics::GroupRow& group) { group_ = &group; }

  void queue_begins() { queue_since_ = loop_.now(); }
  // A request may wait twice, when a reused connection broke.
  void queue_ends() {
    const uint32_t before = record_.queue == exchange_protocol::kNoTime ? 0 : record_.queue;
    record_.queue = before + since(queue_since_);
  }
  // The final head is sent.
  void on_head(unsigned status) {
    if (record_.status != 0) return;
    record_.status = static_cast<uint16_t>(status);
    record_.first_byte = since(started_);
  }
  void on_body_sent(size_t size) { record_.body_sent += size; }
  // So much of what was sent has not left.
  void take_back(size_t size) { record_.body_sent -= std::min<uint64_t>(record_.body_sent, size); }
  void set_failure(const Failure& failure, std::string_view error_id);
  // Nothing when it has ended.
  void end(Outcome outcome, uint64_t body_received);

 private:
  void begin_record(const http::RequestHead* head, const http::ClientInfo& client,
                    uint32_t virtual_host);
  // In the order of exchange_protocol::Text.
  void add_text(exchange_protocol::Text which, std::string_view text);
  void count();
  void write(Outcome outcome);
  uint32_t since(Instant start) const {
    return static_cast<uint32_t>((loop_.now() - start).count());
  }

  EventLoop& loop_;
  AccessLog& log_;
  Counts& counts_;
  metrics::GroupRow* group_ = nullptr;
  metrics::HostRow* host_ = nullptr;
  exchange_protocol::Record record_;
  std::string texts_;  // keeps its memory from exchange to exchange
  Instant started_{};
  Instant queue_since_{};
  bool begun_ = false;
  bool logged_ = false;
};

}  // namespace dmpm::forward
