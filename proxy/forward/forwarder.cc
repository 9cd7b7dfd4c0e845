// Forwarder, first half: a request and its response. The second half, when it does not go well, is in
// forwarder_failures.cc.
#include "proxy/forward/forwarder.h"

#include <algorithm>

#include "base/kept_memory.h"
#include "master/protocol.h"
#include "proxy/forward/failures.h"
#include "proxy/forward/own_answers.h"
#include "proxy/limits.h"

namespace dmpm::forward {

using http::BodyLength;

namespace {

// RFC 9110 9.2.2: sending it twice has the effect of sending it once.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

}  // namespace

// ---- the request ----

void Forwarder::start(Exchange& exchange, const http::RequestHead& head,
                      const http::ClientInfo& client) {
  exchange_ = &exchange;
  client_ = &client;
  started_ = services_.loop.now();
  keep_request(head);
  const VirtualHost* host = route(head);
  log_.begin(&head, client, host);
  if (host == nullptr) return fail(failures::unknown_host(client.tls));
  if (client.redirect_to_port != 0) return redirect(head);
  pool_ = services_.groups.pool(host->group);
  if (pool_ == nullptr) return fail(failures::kBrokenSiteFile);
  log_.set_group(pool_->counts());
  admitted_ = pool_->admit();
  if (!admitted_) return fail(failures::kTooManyRequests);
  pool_->charge(kRequestWork);
  exchange.set_group_overdrawn(pool_->overdrawn());
  http::append_request_head(head_, head, client);
  // A short body is gathered first, so that a slow client does not hold up the worker; meanwhile
  // the worker is started. Who asks for "100 Continue" sends nothing before the worker has spoken.
  const bool gathers = body_length_ == BodyLength::known && content_length_ > 0 &&
                       content_length_ <= services_.limits.request_buffer && !head.expects_continue;
  if (!gathers) return acquire_worker();
  set_state(State::gathering);
  keeps_body_ = true;
  pool_->wake();
}

void Forwarder::keep_request(const http::RequestHead& head) {
  host_.assign(head.authority);
  body_length_ = head.body;
  content_length_ = head.content_length;
  is_head_ = head.is_head;
  upgrade_.assign(head.upgrade);
  http_1_0_ = head.http_1_0;
  accepts_trailers_ = head.accepts_trailers;
  idempotent_ = is_idempotent(head.method);
  request_ended_ =
      head.body == BodyLength::none || (head.body == BodyLength::known && head.content_length == 0);
}

// Wakes no worker. Only for names that are served here, so that it leads nowhere else.
void Forwarder::redirect(const http::RequestHead& head) {
  Exchange* exchange = exchange_;
  const unsigned port = client_->redirect_to_port;
  reset();
  answer_with_redirect(*exchange, log_, head, port);
}

const VirtualHost* Forwarder::route(const http::RequestHead& head) {
  return services_.router.find(head.host);
}

void Forwarder::on_request_body(std::string_view bytes) {
  body_bytes_ += bytes.size();
  const bool upgrade_open = !upgrade_.empty() && state_ != State::tunnel;
  if (connection_ != nullptr && !keeps_body_ && !upgrade_open) return pass_body(bytes);
  body_.append(bytes);  // bounded by the credit, which is granted when the worker takes it
}

void Forwarder::on_request_end() {
  request_ended_ = true;
  if (state_ == State::gathering) return acquire_worker();
  if (connection_ == nullptr) return;
  if (state_ == State::tunnel) {
    connection_->end_output();
    end_tunnel_if_over();
    return;
  }
  connection_->send_body_end();
  request_sent_ = true;
}

void Forwarder::stop_gathering() {
  if (state_ != State::gathering) return;
  keeps_body_ = false;
  acquire_worker();
}

// ---- the worker ----

void Forwarder::acquire_worker() {
  set_state(State::waiting);
  log_.queue_begins();
  expect_within(pool_->settings().queue_timeout);
  reuse = may_retry() ? Reuse::any : retried_ ? Reuse::never : Reuse::recent;
  own = pool_->settings().proxy_protocol ? &exchange_->private_connections() : nullptr;
  if (WorkerConnection* connection = pool_->acquire(*this)) on_connection(*connection);
}

void Forwarder::on_connection(WorkerConnection& connection) {
  connection_ = &connection;
  set_state(State::responding);
  log_.queue_ends();
  // A worker that has never answered may hang in its start.
  new_worker_ = !pool_->has_answered(connection.worker());
  expect_within(first_answer_timeout());
  send_request();
}

Milliseconds Forwarder::first_answer_timeout() const {
  const GroupSettings& settings = pool_->settings();
  return new_worker_ ? std::min(settings.response_timeout, settings.start_timeout)
                     : settings.response_timeout;
}

void Forwarder::on_no_worker(const NoWorker& why) {
  fail(failures::no_worker(why.reason, why.retry_after, why.why));
}

void Forwarder::send_request() {
  connection_->begin(
      *this, {is_head_, upgrade_, body_length_ == BodyLength::unknown, exchange_->priority()});
  if (own == nullptr || connection_->reused()) {
    connection_->send_head(head_);
  } else {
    send_first_head();
  }
  // Before a 101 the worker would read a tunnel's bytes as requests.
  if (!body_.empty() && upgrade_.empty()) {
    connection_->send_body(body_.view());
    if (!keeps_body_) {
      granted_later_ += body_.size();
      body_.clear();
      if (connection_->unsent() == 0) on_worker_took_all();
    }
  }
  if (request_ended_) {
    connection_->send_body_end();
    request_sent_ = true;
  }
}

void Forwarder::send_first_head() {
  const Arrival& arrival = own->arrival();
  // A connection may come with one customer's name and then ask another's site, whom the name is no
  // business of.
  const VirtualHost* named = services_.router.find(arrival.server_name);
  const bool is_of_group = named != nullptr && named->group == pool_->group();
  const std::string_view name = is_of_group ? arrival.server_name : std::string_view();
  connection_->send_first_head(proxy_header(*client_, arrival, name), head_);
}

void Forwarder::charge_transfer(std::string_view bytes) {
  pool_->charge(kTransferWork + static_cast<unsigned>(bytes.size()) / kBytesOfWork);
}

void Forwarder::pass_body(std::string_view bytes) {
  charge_transfer(bytes);
  const bool had_all = connection_->unsent() == 0;
  connection_->send_body(bytes);
  granted_later_ += bytes.size();
  // From here on it is the worker that the body waits for.
  if (state_ == State::responding && had_all) expect_within(first_answer_timeout());
  if (state_ == State::tunnel && !worker_ended_) expect_within(services_.limits.tunnel_timeout);
  // A worker that reads no more but may still answer: the rest goes nowhere.
  if (connection_->unsent() == 0) on_worker_took_all();
}

void Forwarder::on_worker_took_all() {
  if (state_ == State::tunnel && end_tunnel_if_over()) return;
  if (granted_later_ == 0) return;
  const size_t size = std::exchange(granted_later_, 0);
  if (state_ == State::responding) expect_within(pool_->settings().response_timeout);
  exchange_->grant(size);
}

// ---- the response ----

void Forwarder::on_interim_head(const http::ResponseHead& head) {
  if (++interim_responses_ > limits::kMaxInterimResponses) {
    return fail(failures::kTooManyInterimResponses);
  }
  if (!http_1_0_) exchange_->send_interim(head);
}

void Forwarder::on_response_head(const http::ResponseHead& head) {
  const Buffer early = std::move(body_);  // nothing will be sent again
  body_ = Buffer();
  pool_->note_answer(connection_->worker());
  log_.on_head(head.status);
  if (head.status == 101) {
    set_state(State::tunnel);
    request_ended_ = false;  // the request's end was not the client's last word
    expect_within(services_.limits.tunnel_timeout);
  } else {
    set_state(State::streaming);
    expect_within(pool_->settings().response_timeout);
  }
  exchange_->send_head(head);
  if (state_ != State::tunnel) return;
  if (!early.empty()) pass_body(early.view());
  if (exchange_->input_ended()) on_request_end();
}

void Forwarder::on_response_body(std::string_view bytes) {
  expect_within(state_ == State::tunnel ? services_.limits.tunnel_timeout
                                        : pool_->settings().response_timeout);
  log_.on_body_sent(bytes.size());
  charge_transfer(bytes);
  exchange_->send_body(bytes);
}

void Forwarder::on_room() {
  if (connection_ != nullptr && !worker_ended_) connection_->resume_reading();
}

void Forwarder::on_response_end() {
  Exchange* exchange = exchange_;
  std::string trailers;
  if (accepts_trailers_ && pool_->settings().forward_trailers) trailers = connection_->trailers();
  leave_worker();
  log_.end(ExchangeLog::Outcome::complete, body_bytes_);
  reset();
  exchange->finish(trailers);
}

void Forwarder::on_tunnel_end() {
  worker_ended_ = true;
  expect_within(limits::kHalfTunnelTimeout);
  if (!end_tunnel_if_over()) exchange_->end_output();
}

// Both have ended, and the worker has all that the client said; or it takes no more.
bool Forwarder::end_tunnel_if_over() {
  if (!worker_ended_) return false;
  const bool all_sent = request_ended_ && connection_->unsent() == 0;
  if (!all_sent && !connection_->write_broken()) return false;
  end_tunnel();
  return true;
}

void Forwarder::end_tunnel() {
  Exchange* exchange = exchange_;
  leave_worker();
  log_.end(ExchangeLog::Outcome::complete, body_bytes_);
  reset();
  exchange->finish({});
}

// ---- leaving ----

void Forwarder::leave_worker() {
  if (connection_ == nullptr || pool_ == nullptr) return;
  // A response that came before its request's end leaves bytes that belong nowhere: not reusable.
  const bool reusable = connection_->end_exchange() && request_sent_;
  WorkerConnection& connection = *std::exchange(connection_, nullptr);
  pool_->release(connection, reusable, own);
}

void Forwarder::reset() {
  if (pool_ != nullptr) pool_->cancel(*this);
  if (std::exchange(admitted_, false)) pool_->dismiss();
  DeadlineWheel::cancel(*this);
  state_ = State::idle;
  pool_ = nullptr;
  exchange_ = nullptr;
  client_ = nullptr;
  own = nullptr;
  clear_keeping(head_, limits::kKeptOfHead);
  clear_keeping(host_, limits::kKeptOfHead);
  body_.clear();
  upgrade_.clear();
  granted_later_ = 0;
  body_bytes_ = content_length_ = 0;
  body_length_ = BodyLength::none;
  interim_responses_ = 0;
  is_head_ = http_1_0_ = idempotent_ = keeps_body_ = false;
  request_ended_ = request_sent_ = retried_ = accepts_trailers_ = worker_ended_ = new_worker_ =
      false;
}

}  // namespace dmpm::forward
