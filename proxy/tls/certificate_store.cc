#include "proxy/tls/certificate_store.h"

#include <openssl/err.h>
#include <openssl/sha.h>

#include "proxy/limits.h"

namespace dmpm::tls {

using Outcome = CertificateSelector::Outcome;

namespace {

// By which the keyholder knows that the key is this certificate's (keyholder/protocol.h).
bool fingerprint_of(X509* leaf, KeyName& name) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
  if (size <= 0) return false;
  SHA256(der, static_cast<size_t>(size), reinterpret_cast<unsigned char*>(name.fingerprint.data()));
  OPENSSL_free(der);
  return true;
}

}  // namespace

void CertificateStore::request(Entry& entry, CertificateSource& source) {
  entry.state = Entry::State::requested;
  source.want_certificate(entry.number);
}

Outcome CertificateStore::use(uint32_t number, SSL* ssl,
                              net::Connection::CertificateWaiter& waiter) {
  std::unique_ptr<Entry>& entry = entries_[number];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    entry->number = number;
    request(*entry, source_);
  } else if (entry->state == Entry::State::failed &&
             loop_.now() - entry->failed_at >= limits::kFailedCertificate) {
    request(*entry, source_);
  }
  switch (entry->state) {
    case Entry::State::requested: entry->waiting.push_back(waiter); return Outcome::pending;
    case Entry::State::failed: return Outcome::none;
    case Entry::State::loaded: break;
  }
  by_use_.push_back(*entry);
  for (const Entry::Pair& pair : entry->pairs) {
    if (SSL_use_cert_and_key(ssl, pair.leaf.get(), pair.key.get(), pair.chain.get(), 1) != 1) {
      ERR_clear_error();
      return Outcome::none;
    }
  }
  return Outcome::chosen;
}

Status CertificateStore::on_certificate(uint32_t number, std::span<const CertificateChain> chains) {
  const auto it = entries_.find(number);
  if (it == entries_.end() || it->second->state != Entry::State::requested) return {};
  Entry& entry = *it->second;
  if (ask_again(entry)) return {};
  Status status = chains.empty() ? Status(Error{"there is no certificate"}) : Status();
  for (const CertificateChain& chain : chains) {
    if (status.ok()) status = parse(entry, chain);
  }
  ERR_clear_error();
  if (!status.ok()) {
    on_failed(number);
    return status;
  }
  entry.state = Entry::State::loaded;
  by_use_.push_back(entry);
  ++loaded_;
  resume(entry);
  evict();
  return {};
}

Status CertificateStore::parse(Entry& entry, const CertificateChain& chain) const {
  const auto parse_one = [](std::string_view der) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    return Ptr<X509>(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  };
  Entry::Pair pair;
  pair.chain.reset(sk_X509_new_null());
  KeyName name;
  name.certificate = entry.number;
  for (const std::string_view der : chain) {
    Ptr<X509> one = parse_one(der);
    if (one == nullptr) return Error{"OpenSSL cannot read the certificate"};
    if (pair.leaf == nullptr) {
      pair.leaf = std::move(one);
    } else {
      sk_X509_push(pair.chain.get(), one.release());
    }
  }
  if (pair.leaf == nullptr || !fingerprint_of(pair.leaf.get(), name)) {
    return Error{"OpenSSL cannot read the certificate"};
  }
  pair.key.reset(provider_->new_key(X509_get0_pubkey(pair.leaf.get()), name));
  if (pair.key == nullptr) return Error{"the certificate's type of key is not supported"};
  entry.pairs.push_back(std::move(pair));
  return {};
}

void CertificateStore::on_failed(uint32_t number) {
  const auto it = entries_.find(number);
  if (it == entries_.end() || it->second->state != Entry::State::requested) return;
  if (ask_again(*it->second)) return;
  it->second->state = Entry::State::failed;
  it->second->failed_at = loop_.now();
  it->second->pairs.clear();
  resume(*it->second);
}

// The answer is about files that have changed since.
bool CertificateStore::ask_again(Entry& entry) {
  if (!entry.outdated) return false;
  entry.outdated = false;
  source_.want_certificate(entry.number);
  return true;
}

void CertificateStore::resume(Entry& entry) {
  IntrusiveList<net::Connection::CertificateWaiter> waiting;
  waiting.take(entry.waiting);
  while (!waiting.empty()) waiting.pop_front().connection->resume_handshake();
}

void CertificateStore::forget(uint32_t number) {
  const auto it = entries_.find(number);
  if (it == entries_.end()) return;
  if (it->second->state == Entry::State::requested) {
    it->second->outdated = true;
    return;
  }
  if (it->second->state == Entry::State::loaded) --loaded_;
  entries_.erase(it);
}

void CertificateStore::evict() {
  // Handshakes under way hold references of their own.
  while (loaded_ > limits::kMaxLoadedCertificates) forget(by_use_.front().number);
}

}  // namespace dmpm::tls
