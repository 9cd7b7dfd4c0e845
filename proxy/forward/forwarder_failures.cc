// Forwarder, second half: when it does not go well.
#include <cstdio>

#include "base/text.h"
#include "proxy/forward/failures.h"
#include "proxy/forward/forwarder.h"
#include "proxy/forward/own_answers.h"

namespace dmpm::forward {

bool Forwarder::may_retry() const {
  const bool replayable = body_bytes_ == 0 || keeps_body_;
  return idempotent_ && !retried_ && replayable && request_ended_;
}

void Forwarder::on_worker_lost(std::string_view detail) {
  if (state_ == State::responding && connection_->reused() && !connection_->response_begun() &&
      may_retry()) {
    // The worker ended an idle connection as we used it: nothing has been done yet.
    leave_worker();
    retried_ = true;
    request_sent_ = false;
    return acquire_worker();
  }
  if (new_worker_ && !connection_->response_begun()) {
    return fail(failures::start_failed(detail));
  }
  fail(failures::worker_lost(detail));
}

void Forwarder::on_client_lost() {
  log_.take_back(exchange_->unsent());
  // One of the two has to end a tunnel.
  log_.end(
      state_ == State::tunnel ? ExchangeLog::Outcome::complete : ExchangeLog::Outcome::client_left,
      body_bytes_);
  leave_worker();
  reset();
}

void Forwarder::on_deadline() {
  switch (state_) {
    case State::waiting: return fail(failures::kQueueTimeout);
    case State::responding:
      // Time that the client takes for its own body is not the worker's; that of a body which the worker
      // does not take is.
      if (!request_ended_ && connection_->unsent() == 0) {
        return expect_within(pool_->settings().response_timeout);
      }
      if (new_worker_) pool_->note_silence(connection_->worker());
      return fail(failures::no_response(new_worker_));
    case State::streaming:
      // Neither is the time of a client that reads slowly.
      if (exchange_->room() == 0) return expect_within(pool_->settings().response_timeout);
      return fail(failures::kResponseStopped);
    case State::tunnel: return end_tunnel();
    case State::gathering:
    case State::idle: return;
  }
}

// What nobody else can tell whoever looks for the reason later.
std::string Forwarder::circumstances() const {
  const std::string worker = connection_ != nullptr
                                 ? concat({"worker ", std::to_string(connection_->worker()), ", "})
                                 : "";
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f",
                static_cast<double>((services_.loop.now() - started_).count()) / 1000);
  return concat({" (", worker, retried_ ? "tried again, " : "", "after ", seconds, " s)"});
}

void Forwarder::fail(const Failure& failure) {
  const std::string detail = concat({failure.detail, circumstances()});
  Failure reported = failure;
  reported.detail = detail;
  Exchange* exchange = exchange_;
  const bool head_sent = state_ == State::streaming || state_ == State::tunnel;
  const http::ClientInfo& client = *client_;
  const bool is_head = is_head_;
  const std::string host = host_;
  const std::string group = pool_ != nullptr ? pool_->settings().name : std::string();
  if (pool_ != nullptr) pool_->cancel(*this);
  leave_worker();
  const uint64_t received = body_bytes_;
  reset();
  const std::string id = services_.failures.report(reported, group, host, client.address);
  log_.set_failure(failure, id);
  if (head_sent) {
    log_.end(ExchangeLog::Outcome::aborted, received);
    return exchange->abort();
  }
  answer_with_error(*exchange, log_, {failure, id, is_head, received});
}

void Forwarder::reject(Exchange& exchange, const Failure& failure, bool is_head,
                       const http::ClientInfo& client) {
  const uint64_t received = body_bytes_;
  if (active()) {
    leave_worker();
    reset();
  }
  const std::string id = services_.failures.report(failure, {}, {}, client.address);
  if (!log_.begun()) log_.begin(nullptr, client, nullptr);
  log_.set_failure(failure, id);
  answer_with_error(exchange, log_, {failure, id, is_head, received});
}

}  // namespace dmpm::forward
