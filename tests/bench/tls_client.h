// TlsClient: one blocking TLS connection to the proxy under test, with nothing to choose: TLS 1.3,
// AES-128-GCM, a P-256 certificate. Anything else, and any failure, throws Failure.
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace dmpm::bench {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Protocol { http1, http2 };

// What all connections of a run share; one for each thread.
class TlsClientContext {
 public:
  // `source` in network order, or INADDR_ANY: where connections come from.
  TlsClientContext(int port, Protocol protocol, in_addr_t source);
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  int port() const { return port_; }
  Protocol protocol() const { return protocol_; }
  in_addr_t source() const { return source_; }
  SSL_CTX* get() const { return context_.get(); }

  // The newest session that a server gave, or null. It serves until there is a newer one: not every
  // server gives one when a session is resumed.
  SSL_SESSION* session() const { return session_.get(); }

 private:
  static int on_session(SSL* ssl, SSL_SESSION* session);

  struct SessionDeleter {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  struct Deleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  int port_;
  Protocol protocol_;
  in_addr_t source_;
  std::unique_ptr<SSL_CTX, Deleter> context_;
  std::unique_ptr<SSL_SESSION, SessionDeleter> session_;
};

class TlsClient {
 public:
  // Connects to 127.0.0.1 and asks for `host`. With a session (borrowed): it has to be resumed.
  TlsClient(TlsClientContext& context, const std::string& host, SSL_SESSION* session);

  // At least one byte; 0 at the end of the connection.
  size_t read(std::span<char> into);
  void write(std::string_view bytes);
  // Says goodbye as a client should.
  void close();

 private:
  void check(bool resumed, Protocol protocol) const;

  struct Deleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  Fd fd_;
  std::unique_ptr<SSL, Deleter> ssl_;
};

}  // namespace dmpm::bench
