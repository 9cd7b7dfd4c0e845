#include "proxy/tls/tls_context.h"

#include <openssl/err.h>

#include <string>

namespace dmpm::tls {

namespace {

// In the server's order of preference.
constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";

constexpr char kTls12Ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kTls13Ciphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kCurves[] = "X25519:P-256:P-384";

Error openssl_error(std::string_view what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  return Error{std::string(what) + ": " + text};
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::create(CertificateSelector& selector,
                                                       TicketKeys& tickets) {
  std::unique_ptr<TlsContext> result(new TlsContext(selector));
  result->context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = result->context_.get();
  if (context == nullptr) return openssl_error("SSL_CTX_new");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // No renegotiation and no compression: neither is needed, both were attacked. A client that ends
  // without close_notify is an ordinary end: framing tells whether a message is whole.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_num_tickets(context, 1);
  // Stateless resumption by tickets only: a server-side cache would grow with the clients.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  constexpr unsigned char kPolicy[] = "dmpm";
  if (SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1 ||
      SSL_CTX_set_ciphersuites(context, kTls13Ciphers) != 1 ||
      SSL_CTX_set1_groups_list(context, kCurves) != 1 ||
      SSL_CTX_set_session_id_context(context, kPolicy, sizeof kPolicy - 1) != 1) {
    return openssl_error("TLS settings");
  }
  tickets.install(context);
  SSL_CTX_set_cert_cb(context, on_certificate, result.get());
  SSL_CTX_set_alpn_select_cb(context, on_alpn, result.get());
  return result;
}

int TlsContext::on_certificate(SSL* ssl, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  auto& selector = static_cast<TlsContext*>(self)->selector_;
  switch (selector.select(ssl, name == nullptr ? std::string_view() : name)) {
    case CertificateSelector::Outcome::chosen: return 1;
    case CertificateSelector::Outcome::pending: return -1;
    case CertificateSelector::Outcome::none: return 0;
  }
  return 0;
}

int TlsContext::on_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                        const unsigned char* in, unsigned int in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kProtocols, sizeof kProtocols - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    // RFC 7301 3.2: nothing in common ends the handshake.
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace dmpm::tls
