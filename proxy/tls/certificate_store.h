// CertificateStore: certificates by number, loaded when a handshake first needs them, the least
// recently used forgotten first.
//
// Until the keyholder exists (keyholder/README.md), a certificate comes with its private key.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "proxy/net/connection.h"
#include "proxy/tls/tls_context.h"

namespace dmpm::tls {

// Who fetches certificates: the master, over its channel.
class CertificateSource {
 public:
  virtual void want_certificate(uint32_t number) = 0;

 protected:
  ~CertificateSource() = default;
};

class CertificateStore {
 public:
  explicit CertificateStore(CertificateSource& source) : source_(source) {}

  // Sets certificate `number` on `ssl`, or asks for it and queues `waiter`: its connection's
  // handshake is resumed when the answer has come.
  CertificateSelector::Outcome use(uint32_t number, SSL* ssl,
                                   net::Connection::CertificateWaiter& waiter);
  // The answer: PEM. An Error says what is wrong with it; then it counts as failed.
  Status on_certificate(uint32_t number, std::string_view chain, std::string_view key);
  void on_failed(uint32_t number);
  // Its files have changed or it is not in use any more.
  void forget(uint32_t number);

 private:
  struct X509Deleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  template <typename T>
  using Ptr = std::unique_ptr<T, X509Deleter>;

  struct Entry : ListNode<Entry> {
    enum class State : uint8_t { requested, loaded, failed } state = State::requested;
    bool outdated = false;  // changed while requested: ask once more
    uint32_t number = 0;
    Ptr<X509> leaf;
    Ptr<STACK_OF(X509)> chain;
    Ptr<EVP_PKEY> key;
    IntrusiveList<net::Connection::CertificateWaiter> waiting;
  };

  Status parse(Entry& entry, std::string_view chain, std::string_view key);
  bool ask_again(Entry& entry);
  void resume(Entry& entry);
  void evict();

  CertificateSource& source_;
  std::unordered_map<uint32_t, std::unique_ptr<Entry>> entries_;
  IntrusiveList<Entry> by_use_;  // loaded ones; the least recently used first
  size_t loaded_ = 0;
};

}  // namespace dmpm::tls
