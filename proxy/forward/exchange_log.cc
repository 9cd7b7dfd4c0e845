#include "proxy/forward/exchange_log.h"

namespace dmpm::forward {

using exchange_protocol::Protocol;
using exchange_protocol::Record;
using http::FieldName;

namespace {
std::string_view value_of(const http::RequestHead& head, FieldName id) {
  for (const http::Field& field : head.fields) {
    if (field.id == id) return field.value;
  }
  return {};
}

metrics::HostRow& row_of(const VirtualHost& host, Counts& counts) {
  if (host.counted == nullptr) host.counted = &counts.host(host.names.front());
  return *host.counted;
}
}  // namespace

void ExchangeLog::begin(const http::RequestHead* head, const http::ClientInfo& client,
                        const VirtualHost* host) {
  begun_ = true;
  started_ = loop_.now();
  record_ = Record();
  group_ = &counts_.no_group();
  host_ = host != nullptr ? &row_of(*host, counts_) : &counts_.no_host();
  logged_ = host != nullptr ? host->logged : log_.logs_unrouted();
  if (!logged_) return;
  begin_record(head, client, host != nullptr ? host->number : exchange_protocol::kNoVirtualHost);
}

void ExchangeLog::begin_record(const http::RequestHead* head, const http::ClientInfo& client,
                               uint32_t virtual_host) {
  record_.virtual_host = virtual_host;
  record_.connection_requests = ++client.requests;
  if (client.requests == 1 && client.tls) {
    record_.tls = static_cast<uint32_t>(client.handshake_time.count());
  }
  texts_.clear();
  const http::RequestHead none;
  const http::RequestHead& request = head != nullptr ? *head : none;
  if (client.http2) {
    record_.protocol = Protocol::http_2;
  } else if (head != nullptr) {
    record_.protocol = request.http_1_0 ? Protocol::http_1_0 : Protocol::http_1_1;
  }
  add_text(exchange_protocol::client, client.address);
  add_text(exchange_protocol::method, request.method);
  add_text(exchange_protocol::target, request.target);
  add_text(exchange_protocol::host, request.authority);
  add_text(exchange_protocol::referer, value_of(request, FieldName::referer));
  add_text(exchange_protocol::user_agent, value_of(request, FieldName::user_agent));
  add_text(exchange_protocol::tls_protocol, client.tls_protocol);
  add_text(exchange_protocol::tls_cipher, client.tls_cipher);
}

void ExchangeLog::add_text(exchange_protocol::Text which, std::string_view text) {
  const size_t size = std::min(text.size(), exchange_protocol::kMaxText[which]);
  if (size < text.size()) record_.cut |= static_cast<uint16_t>(1U << which);
  record_.text_size[which] = static_cast<uint16_t>(size);
  texts_.append(text.substr(0, size));
}

void ExchangeLog::set_failure(const Failure& failure, std::string_view error_id) {
  counts_.rejected(failure.why);
  if (failure.status >= 500) {
    counts_.remember({failure.status, failure.why, error_id, *group_, *host_}, loop_.now());
  }
  if (logged_) add_text(exchange_protocol::error_id, error_id);
}

void ExchangeLog::end(Outcome outcome, uint64_t body_received) {
  if (!begun_) return;
  begun_ = false;
  record_.body_received = body_received;
  record_.total = since(started_);
  count();
  if (logged_) write(outcome);
}

void ExchangeLog::count() {
  const size_t status_class = record_.status / 100U % host_->responses.size();
  host_->responses[status_class].add();
  group_->responses[status_class].add();
  group_->request_bytes.add(record_.body_received);
  group_->response_bytes.add(record_.body_sent);
  if (record_.queue != exchange_protocol::kNoTime) group_->queue.observe(record_.queue);
  if (record_.status != 0) group_->first_byte.observe(record_.first_byte);
  group_->total.observe(record_.total);
}

void ExchangeLog::write(Outcome outcome) {
  if (record_.status == 0) record_.status = kClientLeft;
  record_.outcome = outcome;
  record_.ended = loop_.now().time_since_epoch().count();
  record_.size = static_cast<uint32_t>(sizeof record_ + texts_.size());
  log_.append(record_, texts_);
}

}  // namespace dmpm::forward
