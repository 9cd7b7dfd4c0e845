// Http1Server: the session of an HTTP/1 connection: one exchange after the other, pipelined requests
// answered in order, each routed anew.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "proxy/http1/exchange.h"
#include "proxy/net/session.h"

namespace dmpm::http1 {

// Exchanges that are not in use, so that a request allocates nothing.
class ExchangePool {
 public:
  explicit ExchangePool(forward::ForwarderServices& services) : services_(services) {}
  const ClientLimits& limits() const { return services_.limits; }
  std::unique_ptr<Http1Exchange> take();
  void give_back(std::unique_ptr<Http1Exchange> exchange);

 private:
  forward::ForwarderServices& services_;
  std::vector<std::unique_ptr<Http1Exchange>> free_;
};

class Http1Server final : public net::Session, private ExchangeOwner {
 public:
  Http1Server(net::SessionHost& host, ExchangePool& pool);
  ~Http1Server() override;

  // net::Session
  size_t wanted() const override;
  void on_data(std::string_view bytes) override;
  void on_end_of_input() override;
  void on_turn() override;
  void produce() override {}
  void on_room() override;
  Milliseconds on_deadline() override;
  void on_lost() override;
  void drain(Milliseconds idle) override;

 private:
  // ExchangeOwner
  void on_response_over() override;
  void on_credit() override;

  // Feeds exchanges until the input is used up or must wait; returns the bytes used.
  size_t process(std::string_view input);
  void check_input_end();
  void start_phase();
  Milliseconds check_body(Milliseconds passed);
  // Ends the exchange if both sides are through with it; false while it goes on.
  bool end_exchange();
  void close(bool linger);
  Milliseconds idle_timeout() const;
  bool in_exchange() const { return exchange_ != nullptr; }

  net::SessionHost& host_;
  ExchangePool& pool_;
  const ClientLimits& limits_;
  std::unique_ptr<Http1Exchange> exchange_;
  Buffer input_;               // not used yet: a part of a head, or pipelined requests
  Instant phase_start_;        // of the present wait: idle, head, or for more body
  uint64_t phase_body_ = 0;    // how much request body there was then
  Milliseconds drain_idle_{};  // see drain()
  uint32_t requests_ = 0;
  unsigned work_ = 0;    // since the last read or turn (shares.h)
  bool paused_ = false;  // a turn was asked for
  bool body_phase_ = false;
  bool processing_ = false;
  bool closing_ = false;
  bool draining_ = false;
  bool input_ended_ = false;
};

}  // namespace dmpm::http1
