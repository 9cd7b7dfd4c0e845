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
}  // namespace

void ExchangeLog::begin(const http::RequestHead* head, const http::ClientInfo& client,
                        uint32_t virtual_host) {
  begun_ = true;
  started_ = loop_.now();
  record_ = Record();
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

// A request may wait twice, when a reused connection broke.
void ExchangeLog::add_queue_time() {
  record_.queue =
      (record_.queue == exchange_protocol::kNoTime ? 0 : record_.queue) + since(queue_since_);
}

void ExchangeLog::write(Outcome outcome, uint64_t body_received) {
  begun_ = false;
  if (record_.status == 0) record_.status = kClientLeft;
  record_.outcome = outcome;
  record_.body_received = body_received;
  record_.total = since(started_);
  record_.ended = loop_.now().time_since_epoch().count();
  record_.size = static_cast<uint32_t>(sizeof record_ + texts_.size());
  log_.append(record_, texts_);
}

}  // namespace dmpm::forward
