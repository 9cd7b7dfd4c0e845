#include "keyholder/keyholder.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>

#include "base/wire.h"
#include "keyholder/limits.h"

namespace dmpm::keyholder {

using keyholder_protocol::MasterRequest;
using keyholder_protocol::MasterRequestType;
using keyholder_protocol::Notice;
using keyholder_protocol::Verdict;

Keyholder::Keyholder(EventLoop& loop, Fd master, std::vector<Fd> dispatchers)
    : loop_(loop),
      master_(loop, std::move(master), *this, keyholder_limits::kMaxQueuedToMaster),
      store_(loop, *this),
      rotation_(loop, *this) {
  DispatcherPortOwner& owner = *this;
  for (Fd& fd : dispatchers) {
    const auto number = static_cast<unsigned>(ports_.size());
    ports_.push_back(std::make_unique<DispatcherPort>(loop, std::move(fd), number, owner));
  }
}

Keyholder::~Keyholder() {
  for (std::string& key : ticket_keys_) OPENSSL_cleanse(key.data(), key.size());
}

void Keyholder::start() {
  tell_master({MasterRequestType::ready});
  on_timer();
}

void Keyholder::tell_master(const MasterRequest& request) {
  master_.send({reinterpret_cast<const char*>(&request), sizeof request});
}

// ---- from the master ----

void Keyholder::on_message(std::string_view message) {
  WireReader reader(message);
  const auto notice = static_cast<Notice>(reader.u32());
  const uint32_t number = reader.u32();
  switch (notice) {
    case Notice::key: {
      const uint32_t count = reader.u32(), index = reader.u32();
      const std::string_view chain = reader.string(), key = reader.string();
      if (!reader.complete()) break;
      return store_.on_key(number, count, index, chain, key);
    }
    case Notice::no_key: {
      const std::string_view reason = reader.string();
      if (!reader.complete()) break;
      return store_.on_no_key(number, reason);
    }
    case Notice::forget: return store_.forget(number);
    case Notice::dispatcher_started:
      if (number >= ports_.size()) break;
      return ports_[number]->ticket_keys(ticket_keys_);
    case Notice::welcome: break;  // the first message only
  }
  // Master and keyholder are one build: this is a bug, and the master starts a successor.
  std::abort();
}

void Keyholder::on_channel_closed(std::string_view) {
  loop_.stop();
}

// ---- to the master ----

void Keyholder::want_key(uint32_t certificate) {
  tell_master({MasterRequestType::want_key, certificate});
}

void Keyholder::report(uint32_t certificate, uint32_t index, Verdict verdict) {
  tell_master({MasterRequestType::verdict, certificate, index, verdict});
}

void Keyholder::on_offence(unsigned dispatcher, MasterRequestType kind, uint32_t count) {
  tell_master({kind, dispatcher, count});
}

// ---- requests ----

void Keyholder::serve(const Request& request, const Pairs& pairs) {
  if (!request.sign) return ports_[request.dispatcher]->certificate(request.id, pairs);
  for (const auto& pair : pairs) {
    if (pair->fingerprint() == request.fingerprint) return sign(request, *pair);
  }
  if (KeyPair* pair = store_.find_retired(request.certificate, request.fingerprint)) {
    return sign(request, *pair);
  }
  refuse(request, "the key that this handshake began with is not here any more");
}

void Keyholder::sign(const Request& request, KeyPair& pair) {
  DispatcherPort& port = *ports_[request.dispatcher];
  if (!may_sign(tls_message(request.message), request.algorithm, pair.type())) {
    port.count_offence(MasterRequestType::forbidden);
    return port.refused(request.id, "this is no TLS handshake of that key");
  }
  const std::string signature = pair.sign(request.algorithm, request.message);
  if (signature.empty()) return port.refused(request.id, "the signature could not be made");
  port.signature(request.id, signature);
}

void Keyholder::refuse(const Request& request, std::string_view reason) {
  // What was asked of a certificate that has gone meanwhile.
  KeyPair* retired =
      request.sign ? store_.find_retired(request.certificate, request.fingerprint) : nullptr;
  if (retired != nullptr) return sign(request, *retired);
  ports_[request.dispatcher]->refused(request.id, reason);
}

// ---- ticket keys ----

void Keyholder::add_ticket_key() {
  std::string key(keyholder_protocol::kTicketKeySize, '\0');
  if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) !=
      1) {
    std::abort();  // without random numbers there is no TLS
  }
  ticket_keys_.insert(ticket_keys_.begin(), std::move(key));
}

// At the start and by the clock.
void Keyholder::on_timer() {
  add_ticket_key();
  if (ticket_keys_.size() > keyholder_limits::kTicketKeys) {
    OPENSSL_cleanse(ticket_keys_.back().data(), ticket_keys_.back().size());
    ticket_keys_.pop_back();
  }
  for (const auto& port : ports_) port->ticket_keys(ticket_keys_);
  rotation_.set(keyholder_limits::kTicketRotation);
}

}  // namespace dmpm::keyholder
