#include "tests/bench/tls_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

namespace dmpm::bench {
namespace {

constexpr char kCipher[] = "TLS_AES_128_GCM_SHA256";
constexpr time_t kTimeout = 30;  // seconds: what takes longer has failed

[[noreturn]] void fail(const std::string& what) {
  throw Failure(what);
}

std::string openssl_error() {
  const unsigned long code = ERR_get_error();
  if (code == 0) return std::strerror(errno);
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Fd connect_to(int port, in_addr_t source) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval timeout{kTimeout, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (source != INADDR_ANY) {
    address.sin_addr.s_addr = source;
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      fail(std::string("bind: ") + std::strerror(errno));
    }
  }
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail(std::string("connect: ") + std::strerror(errno));
  }
  return fd;
}

}  // namespace

TlsClientContext::TlsClientContext(int port, Protocol protocol, in_addr_t source)
    : port_(port),
      protocol_(protocol),
      source_(source),
      context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_set_ciphersuites(context, kCipher) != 1) fail(openssl_error());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  static constexpr unsigned char kHttp1[] = "\x08http/1.1";
  static constexpr unsigned char kHttp2[] = "\x02h2";
  const bool http1 = protocol == Protocol::http1;
  SSL_CTX_set_alpn_protos(context, http1 ? kHttp1 : kHttp2,
                          static_cast<unsigned>(http1 ? sizeof kHttp1 : sizeof kHttp2) - 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
  SSL_CTX_set_app_data(context, this);
}

int TlsClientContext::on_session(SSL* ssl, SSL_SESSION* session) {
  auto* self = static_cast<TlsClientContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  self->session_.reset(session);
  return 1;  // it is ours now
}

TlsClient::TlsClient(TlsClientContext& context, const std::string& host, SSL_SESSION* session)
    : fd_(connect_to(context.port(), context.source())), ssl_(SSL_new(context.get())) {
  SSL_set_fd(ssl_.get(), fd_.get());
  SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
  if (session) {
    // OpenSSL marks what it has resumed as used; the caller may need it again.
    SSL_SESSION* copy = SSL_SESSION_dup(session);
    SSL_set_session(ssl_.get(), copy);
    SSL_SESSION_free(copy);
  }
  if (SSL_connect(ssl_.get()) != 1) fail("handshake: " + openssl_error());
  check(session != nullptr, context.protocol());
}

void TlsClient::check(bool resumed, Protocol protocol) const {
  SSL* ssl = ssl_.get();
  if (std::strcmp(SSL_get_version(ssl), "TLSv1.3") != 0) {
    fail(std::string("version ") + SSL_get_version(ssl));
  }
  if (std::strcmp(SSL_get_cipher_name(ssl), kCipher) != 0) {
    fail(std::string("cipher ") + SSL_get_cipher_name(ssl));
  }
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  const std::string_view chosen(reinterpret_cast<const char*>(name), length);
  if (protocol == Protocol::http2 ? chosen != "h2" : !chosen.empty() && chosen != "http/1.1") {
    fail("protocol " + std::string(chosen));
  }
  if (resumed != (SSL_session_reused(ssl) == 1)) {
    fail(resumed ? "the session was not resumed" : "a session was resumed");
  }
  if (resumed) return;
  EVP_PKEY* key = X509_get0_pubkey(SSL_get0_peer_certificate(ssl));
  char group[32] = "";
  EVP_PKEY_get_group_name(key, group, sizeof group, nullptr);
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || std::strcmp(group, "prime256v1") != 0) {
    fail("the certificate's key is not P-256");
  }
}

size_t TlsClient::read(std::span<char> into) {
  const int got = SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
  if (got > 0) return static_cast<size_t>(got);
  if (SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN) return 0;
  fail("read: " + openssl_error());
}

void TlsClient::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (sent <= 0) fail("write: " + openssl_error());
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void TlsClient::close() {
  SSL_shutdown(ssl_.get());
  ssl_.reset();
  fd_.reset();
}

}  // namespace dmpm::bench
