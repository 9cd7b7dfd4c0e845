// Forwarder: carries one exchange from the client's side (Exchange) to a worker and back.
//
// The functions of forwarder.cc stand in travel order. What goes wrong on the way ends in fail()
// (forwarder_failures.cc).
//
//   idle -> gathering -> waiting -> responding -> streaming -> idle
//             (body)     (worker)   (head awaited)  (body)
//                                            `----> tunnel ----> idle
//   Each state may end in idle by fail() or on_client_lost(). With a lost reused connection,
//   responding goes back to waiting, once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/client_limits.h"
#include "base/deadline_wheel.h"
#include "proxy/forward/exchange.h"
#include "proxy/forward/exchange_log.h"
#include "proxy/forward/failure.h"
#include "proxy/forward/groups.h"
#include "proxy/forward/router.h"
#include "proxy/forward/worker_pool.h"
#include "proxy/http/forwarding.h"

namespace dmpm::forward {

// Tells the operator of a failed exchange and gives it the id that the client sees.
class FailureReporter {
 public:
  // `group` is empty where none was found; `host` is the client's bytes.
  virtual std::string report(const Failure& failure, std::string_view group, std::string_view host,
                             std::string_view client) = 0;

 protected:
  ~FailureReporter() = default;
};

struct ForwarderServices {
  EventLoop& loop;
  DeadlineWheel& wheel;
  Router& router;
  Groups& groups;
  const ClientLimits& limits;
  FailureReporter& failures;
  AccessLog& access_log;
  Counts& counts;
};

class Forwarder final : public ExchangeHandler,
                        private WorkerExchange,
                        private Waiter,
                        private Deadline {
 public:
  explicit Forwarder(ForwarderServices& services)
      : services_(services), log_(services.loop, services.access_log, services.counts) {}
  ~Forwarder() { reset(); }

  // Begins with a request's head. `exchange` and `client` live until the exchange is over.
  void start(Exchange& exchange, const http::RequestHead& head, const http::ClientInfo& client);
  // Answers with an error page what the session does not accept, be it under way already, as long as
  // no head was sent. `exchange` is finished by it.
  void reject(Exchange& exchange, const Failure& failure, bool is_head,
              const http::ClientInfo& client);

  // ExchangeHandler
  void on_request_body(std::string_view bytes) override;
  void on_request_end() override;
  void on_room() override;
  void on_client_lost() override;

  // The client cannot send more before some of the body is taken: the worker gets what there is.
  void stop_gathering();

  bool active() const { return state_ != State::idle; }

 private:
  enum class State : uint8_t { idle, gathering, waiting, responding, streaming, tunnel };

  // In travel order.
  const VirtualHost* route(const http::RequestHead& head);
  void redirect(const http::RequestHead& head);
  void keep_request(const http::RequestHead& head);
  void acquire_worker();
  void on_connection(WorkerConnection& connection) override;
  void on_no_worker(const NoWorker& why) override;
  void send_request();
  void send_first_head();
  void pass_body(std::string_view bytes);
  void charge_transfer(std::string_view bytes);
  Milliseconds first_answer_timeout() const;
  void on_worker_took_all() override;
  size_t response_room() const override { return exchange_->room(); }
  void on_interim_head(const http::ResponseHead& head) override;
  void on_response_head(const http::ResponseHead& head) override;
  void on_response_body(std::string_view bytes) override;
  void on_response_end() override;
  void on_tunnel_end() override;
  bool end_tunnel_if_over();
  void end_tunnel();

  // When it does not go well.
  void on_worker_lost(std::string_view detail) override;
  bool may_retry() const;
  void on_deadline() override;
  void fail(const Failure& failure);
  std::string circumstances() const;

  void set_state(State state) { state_ = state; }
  void expect_within(Milliseconds delay) { services_.wheel.set(*this, delay); }
  void leave_worker();
  void reset();

  ForwarderServices& services_;
  Exchange* exchange_ = nullptr;
  const http::ClientInfo* client_ = nullptr;
  WorkerPool* pool_ = nullptr;
  WorkerConnection* connection_ = nullptr;
  State state_ = State::idle;
  Instant started_{};  // when the request's head was there
  ExchangeLog log_;

  // The request, as it is sent (again).
  std::string head_;  // keeps its memory from exchange to exchange, unless it is large
  std::string host_;
  std::string upgrade_;       // the protocol asked for
  Buffer body_;               // gathered, or waiting for the worker
  size_t granted_later_ = 0;  // taken from the client, not yet by the worker
  uint64_t body_bytes_ = 0;   // of request body so far
  uint64_t content_length_ = 0;
  http::BodyLength body_length_ = http::BodyLength::none;
  unsigned interim_responses_ = 0;
  bool admitted_ = false;  // counted by the pool
  bool is_head_ = false;
  bool http_1_0_ = false;
  bool idempotent_ = false;
  bool keeps_body_ = false;     // body_ holds the whole body so far: it can be sent again
  bool request_ended_ = false;  // by the client
  bool request_sent_ = false;   // whole, to the worker
  bool retried_ = false;
  bool accepts_trailers_ = false;
  bool new_worker_ = false;    // it had answered nothing since its start
  bool worker_ended_ = false;  // in a tunnel
};

}  // namespace dmpm::forward
