#include "proxy/keyholder_link.h"

#include <cstdlib>

#include "base/text.h"
#include "proxy/limits.h"

namespace dmpm {

using keyholder_protocol::Answer;
using keyholder_protocol::Request;

KeyholderLink::KeyholderLink(EventLoop& loop, Fd channel, uint64_t first_id, Log& log)
    : loop_(loop),
      channel_(loop, std::move(channel), *this, limits::kMaxQueuedForKeyholder),
      log_(log),
      last_id_(first_id) {}

void KeyholderLink::attach(tls::CertificateStore& certificates, tls::TicketKeys& tickets) {
  certificates_ = &certificates;
  tickets_ = &tickets;
}

// ---- requests ----

void KeyholderLink::want_certificate(uint32_t number) {
  const uint64_t id = ++last_id_;
  loads_.emplace(id, number);
  ask_for_certificate(id, number);
}

void KeyholderLink::ask_for_certificate(uint64_t id, uint32_t number) {
  ask(WireWriter().u32(static_cast<uint32_t>(Request::load)).u64(id).u32(number).bytes());
}

void KeyholderLink::request_signature(tls::PendingSignature& pending, const tls::KeyName& key,
                                      keyholder_protocol::Algorithm algorithm,
                                      std::string_view message) {
  pending.id = ++last_id_;
  pending.sent = WireWriter()
                     .u32(static_cast<uint32_t>(Request::sign))
                     .u64(pending.id)
                     .u32(key.certificate)
                     .string({key.fingerprint.data(), key.fingerprint.size()})
                     .u32(static_cast<uint32_t>(algorithm))
                     .string(message)
                     .take();
  signatures_.emplace(pending.id, &pending);
  ask(pending.sent);
}

void KeyholderLink::forget_signature(tls::PendingSignature& pending) {
  signatures_.erase(pending.id);
}

void KeyholderLink::ask(std::string_view request) {
  if (requests_.size() + request.size() > limits::kKeyholderMessage) send_requests();
  requests_ += request;
  loop_.defer(*this);
}

// What does not fit is asked again when the keyholder has a successor; while it only is slow, the
// handshakes that wait run into their own deadline.
void KeyholderLink::send_requests() {
  if (requests_.empty()) return;
  if (channel_.queued() + requests_.size() <= limits::kMaxQueuedForKeyholder) {
    channel_.send(requests_);
  }
  requests_.clear();
}

void KeyholderLink::ask_again() {
  for (const auto& [id, number] : loads_) ask_for_certificate(id, number);
  for (const auto& [id, pending] : signatures_) ask(pending->sent);
}

// ---- answers ----

void KeyholderLink::on_message(std::string_view message) {
  WireReader reader(message);
  while (!reader.at_end() && reader.ok()) {
    switch (static_cast<Answer>(reader.u32())) {
      case Answer::certificate: on_certificate(reader); break;
      case Answer::signature: on_signature(reader); break;
      case Answer::refused: on_refused(reader); break;
      case Answer::ticket_keys: on_ticket_keys(reader); break;
      default: reader = WireReader({}); reader.u32();  // malformed
    }
  }
  if (reader.ok()) return;
  // One build: this is a bug, and the master starts a successor.
  log_.error(concat(
      {"the keyholder sent a malformed message of ", std::to_string(message.size()), " bytes"}));
  std::abort();
}

// The master holds the other end too: that it closes is a failure of this end.
void KeyholderLink::on_channel_closed(std::string_view reason) {
  log_.error(concat({"the channel to the keyholder is closed: ", reason}));
  std::abort();
}

uint32_t KeyholderLink::take_certificate(uint64_t id) {
  const auto found = loads_.find(id);
  if (found == loads_.end()) return 0;
  const uint32_t number = found->second;
  loads_.erase(found);
  return number;
}

tls::PendingSignature* KeyholderLink::take_signature(uint64_t id) {
  const auto found = signatures_.find(id);
  if (found == signatures_.end()) return nullptr;
  tls::PendingSignature* pending = found->second;
  signatures_.erase(found);
  return pending;
}

void KeyholderLink::on_certificate(WireReader& reader) {
  const uint64_t id = reader.u64();
  std::vector<tls::CertificateChain> chains;
  for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    tls::CertificateChain& chain = chains.emplace_back();
    for (uint32_t more = reader.u32(); more > 0 && reader.ok(); --more) {
      chain.push_back(reader.string());
    }
  }
  if (!reader.ok()) return;
  const uint32_t number = take_certificate(id);
  if (number == 0) return;
  const Status status = certificates_->on_certificate(number, chains);
  if (!status.ok()) {
    log_.error(concat({"certificate ", std::to_string(number), ": ", status.error().message}));
  }
}

void KeyholderLink::on_signature(WireReader& reader) {
  const uint64_t id = reader.u64();
  const std::string_view signature = reader.string();
  if (!reader.ok()) return;
  if (tls::PendingSignature* pending = take_signature(id)) pending->settle(signature);
}

void KeyholderLink::on_refused(WireReader& reader) {
  const uint64_t id = reader.u64();
  const std::string_view reason = reader.string();
  if (!reader.ok()) return;
  if (const uint32_t number = take_certificate(id)) {
    log_.error(concat({"certificate ", std::to_string(number), ": ", reason}));
    certificates_->on_failed(number);
  } else if (tls::PendingSignature* pending = take_signature(id)) {
    log_.warning(concat({"a signature was refused: ", reason}));
    pending->settle_refused();
  }
}

void KeyholderLink::on_ticket_keys(WireReader& reader) {
  std::vector<std::string_view> keys;
  for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    keys.push_back(reader.string());
  }
  if (!reader.ok()) return;
  tickets_->set(keys);
  // From a keyholder that has just started, maybe.
  ask_again();
}

}  // namespace dmpm
