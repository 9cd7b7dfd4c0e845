// TlsContext: one SSL_CTX for one TLS policy, shared by all virtual hosts (an SSL_CTX costs 12 KB,
// so never one each); the certificate is chosen for each handshake by its server name.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "base/result.h"
#include "proxy/tls/ticket_keys.h"

namespace dmpm::tls {

// Gives a handshake its certificate.
class CertificateSelector {
 public:
  enum class Outcome {
    chosen,   // the certificate is set on `ssl`
    pending,  // it is being fetched: the handshake is resumed later
    none,     // there is none for that name, or it cannot be loaded
  };
  // `server_name` is empty when the client sent none.
  virtual Outcome select(SSL* ssl, std::string_view server_name) = 0;

 protected:
  ~CertificateSelector() = default;
};

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

class TlsContext {
 public:
  // Reads no file: call before or after the root directory was changed.
  // `tickets` outlives it.
  static Result<std::unique_ptr<TlsContext>> create(CertificateSelector& selector,
                                                    TicketKeys& tickets);

  // A server-side SSL; null when memory is short.
  SslPtr new_ssl() const { return SslPtr(SSL_new(context_.get())); }

 private:
  explicit TlsContext(CertificateSelector& selector) : selector_(selector) {}
  static int on_certificate(SSL* ssl, void* self);
  static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* in, unsigned int in_size, void* self);

  CertificateSelector& selector_;
  std::unique_ptr<SSL_CTX, SslDeleter> context_;
};

}  // namespace dmpm::tls
