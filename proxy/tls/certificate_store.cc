#include "proxy/tls/certificate_store.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "proxy/limits.h"

namespace dmpm::tls {

using Outcome = CertificateSelector::Outcome;

Outcome CertificateStore::use(uint32_t number, SSL* ssl,
                              net::Connection::CertificateWaiter& waiter) {
  std::unique_ptr<Entry>& entry = entries_[number];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    entry->number = number;
    source_.want_certificate(number);
  }
  switch (entry->state) {
    case Entry::State::requested: entry->waiting.push_back(waiter); return Outcome::pending;
    case Entry::State::failed: return Outcome::none;
    case Entry::State::loaded: break;
  }
  by_use_.push_back(*entry);
  const bool used =
      SSL_use_cert_and_key(ssl, entry->leaf.get(), entry->key.get(), entry->chain.get(), 1) == 1;
  ERR_clear_error();
  return used ? Outcome::chosen : Outcome::none;
}

Status CertificateStore::on_certificate(uint32_t number, std::string_view chain,
                                        std::string_view key) {
  const auto it = entries_.find(number);
  if (it == entries_.end() || it->second->state != Entry::State::requested) return {};
  Entry& entry = *it->second;
  if (ask_again(entry)) return {};
  Status status = parse(entry, chain, key);
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

Status CertificateStore::parse(Entry& entry, std::string_view chain, std::string_view key) {
  const Ptr<BIO> chain_bio(BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size())));
  const Ptr<BIO> key_bio(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  entry.leaf.reset(PEM_read_bio_X509(chain_bio.get(), nullptr, nullptr, nullptr));
  if (entry.leaf == nullptr) return Error{"the certificate file holds no PEM certificate"};
  entry.chain.reset(sk_X509_new_null());
  while (X509* next = PEM_read_bio_X509(chain_bio.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(entry.chain.get(), next);
  }
  // A pass phrase is never asked for: an empty one makes an encrypted key fail.
  entry.key.reset(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, const_cast<char*>("")));
  if (entry.key == nullptr) return Error{"the key file holds no unencrypted PEM private key"};
  if (X509_check_private_key(entry.leaf.get(), entry.key.get()) != 1) {
    return Error{"the private key does not belong to the certificate"};
  }
  return {};
}

void CertificateStore::on_failed(uint32_t number) {
  const auto it = entries_.find(number);
  if (it == entries_.end() || it->second->state != Entry::State::requested) return;
  if (ask_again(*it->second)) return;
  it->second->state = Entry::State::failed;
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
