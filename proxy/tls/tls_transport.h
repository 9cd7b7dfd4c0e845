// TlsTransport: a Transport over TLS.
//
// OpenSSL does no I/O here: a BIO of our own gives it what was received into one buffer shared by
// all connections (only the tail that could not be used yet is kept), and collects the records that
// it makes in the shared staging. So one read() takes many records in and one send() many out, and
// SSL_write never has to be repeated.
//
// What an idle connection keeps is little more than what OpenSSL cannot be talked out of.
#pragma once

#include <openssl/bio.h>

#include <memory>
#include <utility>

#include "base/buffer.h"
#include "proxy/net/output_staging.h"
#include "proxy/net/socket_output.h"
#include "proxy/net/transport.h"
#include "proxy/tls/remote_signing.h"
#include "proxy/tls/tls_context.h"

namespace dmpm::net {
class Connection;
}

namespace dmpm::tls {

class TlsTransport;

// What all TLS connections of a dispatcher share.
class TlsShared {
 public:
  explicit TlsShared(net::OutputStaging& staging);
  net::OutputStaging& staging() { return staging_; }
  SigningContext& signing() { return signing_; }
  std::span<char> received() { return {received_.get(), limits::kReadSize}; }
  // Of all connections: one each would be 200 bytes.
  BIO* bio() { return bio_.get(); }

  // While it exists, the BIO is `transport`'s: around each call of OpenSSL that may read or write. They
  // nest, for who needs the staging has the one before send what it has.
  class Turn {
   public:
    Turn(TlsShared& shared, TlsTransport& transport)
        : shared_(shared), before_(std::exchange(shared.turn_, &transport)) {}
    ~Turn() { shared_.turn_ = before_; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    TlsShared& shared_;
    TlsTransport* const before_;
  };
  // For a callback of OpenSSL: whose turn it is.
  static TlsTransport& turn_of(BIO* bio) {
    return *static_cast<TlsShared*>(BIO_get_data(bio))->turn_;
  }

 private:
  net::OutputStaging& staging_;
  SigningContext signing_;
  std::unique_ptr<BIO_METHOD, SslDeleter> bio_method_;
  std::unique_ptr<BIO, SslDeleter> bio_;
  TlsTransport* turn_ = nullptr;
  std::unique_ptr<char[]> received_;
};

class TlsTransport final : public net::Transport, private net::StagingOwner {
 public:
  // `fd`, `shared`, `signer` and `waiter` outlive the transport. `connection` is what connection_of()
  // gives; `waiter` is told when a handshake that wants a signature can go on.
  TlsTransport(int fd, SslPtr ssl, TlsShared& shared, RemoteSigner& signer, SignatureWaiter& waiter,
               net::Connection& connection);
  ~TlsTransport() override;

  HandshakeStatus handshake() override;
  ReadResult read(std::span<char> into) override;
  bool has_buffered_input() const override;
  void write(std::string_view plaintext) override;
  size_t unsent() const override;
  FlushStatus flush() override;
  void end_output() override;
  std::string_view alpn() const override;

  // For a callback of OpenSSL: whose handshake it is.
  static net::Connection& connection_of(SSL* ssl);

  // After the handshake; OpenSSL's own strings, which last: "TLSv1.3", "TLS_AES_128_GCM_SHA256".
  std::string_view protocol() const;
  std::string_view cipher() const;
  // The name that the client asked for (SNI), or empty.
  std::string_view server_name() const;
  bool resumed() const;
  // After a failed handshake: the client spoke plain HTTP.
  bool peer_spoke_http() const { return peer_spoke_http_; }

 private:
  friend class TlsShared;
  static int bio_read(BIO* bio, char* into, int size);
  static int bio_write(BIO* bio, const char* bytes, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);

  void evict_staged() override { flush(); }
  // Makes input_ what is there to be decrypted; false when nothing is.
  bool load_input();
  // Keeps what is left of input_ for the next call.
  void keep_input();
  void encrypt(std::string_view plaintext);
  void end_job();
  void forget_handshake();

  const int fd_;
  TlsShared& shared_;
  net::Connection& connection_;
  SslPtr ssl_;
  std::unique_ptr<PendingSignature> signature_;  // during the handshake
  net::SocketOutput output_;
  std::string_view input_;  // during a call only: into shared_.received() or kept_
  Buffer kept_;             // received, not yet taken by OpenSSL
  bool socket_ended_ = false;
  bool ended_ = false;
  bool failed_ = false;
  bool peer_spoke_http_ = false;
};

}  // namespace dmpm::tls
