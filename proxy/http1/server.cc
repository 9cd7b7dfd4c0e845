#include "proxy/http1/server.h"

#include <algorithm>
#include <utility>

#include "proxy/limits.h"
#include "proxy/net/shares.h"

namespace dmpm::http1 {

namespace {
using RequestState = Http1Exchange::RequestState;
using ResponseState = Http1Exchange::ResponseState;
// Enough for what runs at once on a busy machine; more are made and destroyed as needed.
constexpr size_t kMaxPooled = 1024;
}  // namespace

std::unique_ptr<Http1Exchange> ExchangePool::take() {
  if (free_.empty()) return std::make_unique<Http1Exchange>(services_);
  std::unique_ptr<Http1Exchange> exchange = std::move(free_.back());
  free_.pop_back();
  return exchange;
}

void ExchangePool::give_back(std::unique_ptr<Http1Exchange> exchange) {
  if (free_.size() < kMaxPooled) free_.push_back(std::move(exchange));
}

Http1Server::Http1Server(net::SessionHost& host, ExchangePool& pool)
    : host_(host), pool_(pool), limits_(pool.limits()), phase_start_(host.now()) {
  host_.expect_within(limits_.head_timeout);
}

Http1Server::~Http1Server() {
  if (in_exchange()) {
    exchange_->on_client_lost();
    pool_.give_back(std::move(exchange_));
  }
}

// ---- input ----

size_t Http1Server::wanted() const {
  if (closing_ || input_ended_ || paused_) return 0;
  if (!in_exchange()) return limits::kReadSize;
  switch (exchange_->request_state()) {
    case RequestState::head: return limits::kReadSize;
    case RequestState::body: return std::min(limits::kReadSize, exchange_->credit());
    case RequestState::ended:
      if (exchange_->in_tunnel()) return std::min(limits::kReadSize, exchange_->credit());
      return limits::kMaxPipelined - std::min(limits::kMaxPipelined, input_.size());
    case RequestState::broken: return 0;
  }
  return 0;
}

void Http1Server::on_data(std::string_view bytes) {
  // The time for a head counts from its first byte, however slowly the others come.
  if (!in_exchange()) phase_start_ = host_.now();
  work_ = 0;
  if (input_.empty()) {
    const size_t used = process(bytes);
    if (!closing_) input_.append(bytes.substr(used));
    return;
  }
  input_.append(bytes);
  on_credit();
}

void Http1Server::on_turn() {
  if (!std::exchange(paused_, false)) return;
  work_ = 0;
  on_credit();
}

// Input that waited can go on.
void Http1Server::on_credit() {
  if (processing_ || paused_) return;
  if (!input_.empty()) {
    // Out of the member: callbacks may come back to it.
    Buffer input = std::move(input_);
    input_ = Buffer();
    input.consume(process(input.view()));
    if (!closing_) input_ = std::move(input);
  }
  if (input_ended_) check_input_end();
  host_.update_reading();
}

size_t Http1Server::process(std::string_view input) {
  processing_ = true;
  size_t position = 0;
  while (position < input.size() && !closing_) {
    if (!in_exchange()) {
      // Pipelined requests that are answered here at once would come to no end.
      if (work_ >= host_.work_at_once()) {
        paused_ = true;
        host_.request_turn();
        break;
      }
      work_ += kRequestWork;
      host_.charge(kRequestWork);
      exchange_ = pool_.take();
      exchange_->begin(*this, host_);
      body_phase_ = false;
      if (++requests_ >= limits_.requests_per_connection || draining_) exchange_->close_after();
    }
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.Move): the pool gives no empty pointer
    const size_t used = exchange_->take(input.substr(position));
    position += used;
    if (!end_exchange() && used == 0) break;
  }
  processing_ = false;
  if (in_exchange()) start_phase();
  return position;
}

// The wait for the rest of a head counts from its first byte; that for a body from the head's end.
void Http1Server::start_phase() {
  if (exchange_->request_state() == RequestState::head) {
    host_.expect_within(limits_.head_timeout - (host_.now() - phase_start_));
  } else if (exchange_->request_state() == RequestState::body && !body_phase_) {
    body_phase_ = true;
    phase_start_ = host_.now();
    phase_body_ = exchange_->body_received();
    host_.expect_within(limits_.body_timeout);
  }
}

void Http1Server::on_end_of_input() {
  input_ended_ = true;
  check_input_end();
}

// Nothing more will come: what was asked for completely is still answered.
void Http1Server::check_input_end() {
  if (closing_ || paused_) return;
  if (exchange_ == nullptr) return close(false);
  switch (exchange_->request_state()) {
    // A client may end its side and still wait for the answer.
    case RequestState::ended:
      if (exchange_->in_tunnel()) {
        if (input_.empty()) exchange_->end_tunnel_input();
      } else if (input_.empty()) {
        exchange_->close_after();
      }
      return;
    case RequestState::body:
      if (!input_.empty()) return;  // waits for credit
      [[fallthrough]];
    case RequestState::head:
    case RequestState::broken: exchange_->on_client_lost(); return close(false);
  }
}

// ---- output ----

void Http1Server::on_room() {
  if (in_exchange()) exchange_->on_room();
}

void Http1Server::on_response_over() {
  phase_start_ = host_.now();
  // Inside process() the loop there ends the exchange; else nobody else would.
  if (processing_) return;
  if (end_exchange()) {
    host_.expect_within(idle_timeout());
    on_credit();
  } else {
    host_.update_reading();
  }
}

bool Http1Server::end_exchange() {
  if (!in_exchange()) return true;
  const ResponseState response = exchange_->response_state();
  if (response != ResponseState::ended && response != ResponseState::aborted) return false;
  const RequestState request = exchange_->request_state();
  const bool unread = request == RequestState::body;
  if (unread && !exchange_->closes() && exchange_->discarded() < limits::kMaxDiscarded) {
    return false;  // the rest of the body is read and thrown away
  }
  const bool closes = exchange_->closes() || unread;
  pool_.give_back(std::move(exchange_));
  if (closes) close(unread || request == RequestState::broken);
  return true;
}

// ---- time ----

Milliseconds Http1Server::on_deadline() {
  const Milliseconds passed = host_.now() - phase_start_;
  if (!in_exchange()) {
    if (passed >= idle_timeout()) close(false);
    return idle_timeout() - passed;
  }
  switch (exchange_->request_state()) {
    case RequestState::head:
      if (passed < limits_.head_timeout) return limits_.head_timeout - passed;
      exchange_->reject(408, "the request's head did not arrive in time");
      return limits::kLingerTimeout;
    case RequestState::body: return check_body(passed);
    case RequestState::ended:
    case RequestState::broken: return limits_.idle_timeout;
  }
  return limits_.idle_timeout;
}

// A body must keep moving at a minimum rate, averaged over body_timeout.
Milliseconds Http1Server::check_body(Milliseconds passed) {
  if (passed < limits_.body_timeout) return limits_.body_timeout - passed;
  const uint64_t moved = exchange_->body_received() - phase_body_;
  const auto seconds = static_cast<uint64_t>(passed.count()) / 1000;
  // Not the client's fault while it has no credit.
  if (exchange_->credit() > 0 && moved < limits_.body_rate * seconds) {
    exchange_->reject(408, "the request's body did not arrive in time");
    return limits::kLingerTimeout;
  }
  phase_start_ = host_.now();
  phase_body_ = exchange_->body_received();
  return limits_.body_timeout;
}

// ---- the end ----

void Http1Server::close(bool linger) {
  if (closing_) return;
  closing_ = true;
  host_.close(linger);
}

void Http1Server::on_lost() {
  closing_ = true;
  if (!in_exchange()) return;
  exchange_->on_client_lost();
  pool_.give_back(std::move(exchange_));
}

// How long the client may be silent between two requests.
Milliseconds Http1Server::idle_timeout() const {
  return draining_ ? std::min(drain_idle_, limits_.idle_timeout) : limits_.idle_timeout;
}

void Http1Server::drain(Milliseconds idle) {
  draining_ = true;
  drain_idle_ = idle;
  if (!in_exchange()) {
    if (idle.count() == 0) return close(false);
    return host_.expect_within(idle);
  }
  // A response whose head has gone without "close" may already have its successor on the way.
  const bool told = exchange_->response_state() == ResponseState::awaited;
  if (told || idle.count() == 0) exchange_->close_after();
}

}  // namespace dmpm::http1
