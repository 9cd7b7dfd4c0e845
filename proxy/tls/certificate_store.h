// CertificateStore: certificates by number, loaded when a handshake first needs them, the least
// recently used forgotten first.
//
// A certificate has one or two chains, of different types of key: the client decides. The private
// keys are with the keyholder, their places here are RemoteKeyProvider's.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "proxy/net/connection.h"
#include "proxy/tls/remote_key_provider.h"
#include "proxy/tls/tls_context.h"

namespace dmpm::tls {

// Who fetches certificates: the keyholder, over its channel.
class CertificateSource {
 public:
  virtual void want_certificate(uint32_t number) = 0;

 protected:
  ~CertificateSource() = default;
};

// DER certificates, the leaf first. The views are valid during a call.
using CertificateChain = std::vector<std::string_view>;

class CertificateStore {
 public:
  CertificateStore(EventLoop& loop, CertificateSource& source) : loop_(loop), source_(source) {}
  // Whose keys the certificates get; before the first comes.
  void set_provider(const RemoteKeyProvider& provider) { provider_ = &provider; }

  // Sets certificate `number` on `ssl`, or asks for it and queues `waiter`: its connection's
  // handshake is resumed when the answer has come.
  CertificateSelector::Outcome use(uint32_t number, SSL* ssl,
                                   net::Connection::CertificateWaiter& waiter);
  // The answer: one or two chains. An Error says what is wrong; then it counts as failed.
  Status on_certificate(uint32_t number, std::span<const CertificateChain> chains);
  void on_failed(uint32_t number);
  // Its files have changed or it is not in use any more.
  void forget(uint32_t number);

 private:
  struct X509Deleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
  };
  template <typename T>
  using Ptr = std::unique_ptr<T, X509Deleter>;

  struct Entry : ListNode<Entry> {
    enum class State : uint8_t { requested, loaded, failed } state = State::requested;
    bool outdated = false;  // changed while requested: ask once more
    uint32_t number = 0;
    Instant failed_at{};
    struct Pair {
      Ptr<X509> leaf;
      Ptr<STACK_OF(X509)> chain;
      Ptr<EVP_PKEY> key;
    };
    std::vector<Pair> pairs;
    IntrusiveList<net::Connection::CertificateWaiter> waiting;
  };

  static void request(Entry& entry, CertificateSource& source);
  Status parse(Entry& entry, const CertificateChain& chain) const;
  bool ask_again(Entry& entry);
  void resume(Entry& entry);
  void evict();

  EventLoop& loop_;
  CertificateSource& source_;
  const RemoteKeyProvider* provider_ = nullptr;
  std::unordered_map<uint32_t, std::unique_ptr<Entry>> entries_;
  IntrusiveList<Entry> by_use_;  // loaded ones; the least recently used first
  size_t loaded_ = 0;
};

}  // namespace dmpm::tls
