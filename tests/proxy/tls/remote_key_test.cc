// Whole handshakes in memory with keys whose private half is only with a signer of the test's.
#include "proxy/tls/remote_key_provider.h"

#include <doctest/doctest.h>
#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <vector>

#include "proxy/tls/tls_context.h"
#include "tests/proxy/tls/certificates.h"
#include "tests/proxy/tls/test_signer.h"

using namespace dmpm;
using namespace dmpm::tls;
using namespace dmpm::test;
using keyholder_protocol::Algorithm;

namespace {

struct Waiter final : SignatureWaiter {
  void on_signature() override { ++told; }
  int told = 0;
};

// A server with a remote key and an ordinary client, joined in memory.
struct Handshake {
  Handshake(SSL_CTX* server_context, SSL_CTX* client_context, SigningContext& context,
            RemoteSigner& signer)
      : signing(context),
        pending(signer, waiter),
        server(SSL_new(server_context)),
        client(SSL_new(client_context)) {
    BIO *server_end = nullptr, *client_end = nullptr;
    REQUIRE(BIO_new_bio_pair(&server_end, 0, &client_end, 0) == 1);
    SSL_set_bio(server.get(), server_end, server_end);
    SSL_set_bio(client.get(), client_end, client_end);
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    SSL_set_mode(server.get(), SSL_MODE_ASYNC);
  }
  ~Handshake() {
    if (SSL_waiting_for_async(server.get()) == 1) {
      pending.refuse();
      step_server();
    }
  }
  int step_server() {
    const SigningContext::Scope scope(signing, &pending);
    const int result = SSL_do_handshake(server.get());
    return SSL_get_error(server.get(), result);
  }
  int step_client() { return SSL_get_error(client.get(), SSL_do_handshake(client.get())); }
  // Until the server waits for its signature or somebody is done or fails.
  int run() {
    int server_says = SSL_ERROR_WANT_READ;
    for (int i = 0; i < 20; ++i) {
      const int client_says = step_client();
      server_says = step_server();
      if (server_says != SSL_ERROR_WANT_READ) {
        if (server_says != SSL_ERROR_NONE || client_says == SSL_ERROR_NONE) return server_says;
      }
      if (client_says == SSL_ERROR_SSL) return client_says;
    }
    return server_says;
  }
  SigningContext& signing;
  Waiter waiter;
  PendingSignature pending;
  SslPtr server, client;
};

using ContextPtr = std::unique_ptr<SSL_CTX, SslDeleter>;

struct Fixture {
  Fixture() { REQUIRE(loaded.ok()); }
  // A server context with a certificate for `key`, whose private half it does not get.
  ContextPtr server_context(const KeyPtr& key, int version) {
    const auto certificate = make_certificate("a.test", key.get(), key.get(), "a.test");
    name.certificate = 7;
    name.fingerprint[3] = 'x';
    const KeyPtr remote((*loaded)->new_key(X509_get0_pubkey(certificate.get()), name));
    REQUIRE(remote != nullptr);
    ContextPtr context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    REQUIRE(SSL_CTX_use_cert_and_key(context.get(), certificate.get(), remote.get(), nullptr, 1) ==
            1);
    return context;
  }
  SigningContext signing;
  Result<std::unique_ptr<RemoteKeyProvider>> loaded = RemoteKeyProvider::load(signing);
  ContextPtr client{SSL_CTX_new(TLS_client_method())};
  TestSigner signer;
  KeyName name;
};

KeyPtr key_of_type(std::string_view type) {
  if (type == "rsa") return make_rsa_key();
  if (type == "p256") return make_ec_key();
  if (type == "p384") return KeyPtr(EVP_EC_gen("P-384"));
  return KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

}  // namespace

TEST_CASE("a handshake waits for its signature and goes on with it") {
  struct Case {
    const char* key;
    const char* schemes;
    int version;
    Algorithm algorithm;
  };
  for (const Case& one : {
           Case{"p256", "ecdsa_secp256r1_sha256", TLS1_3_VERSION, Algorithm::ecdsa_sha256},
           Case{"p384", "ecdsa_secp384r1_sha384", TLS1_3_VERSION, Algorithm::ecdsa_sha384},
           Case{"rsa", "rsa_pss_rsae_sha256", TLS1_3_VERSION, Algorithm::rsa_pss_sha256},
           Case{"rsa", "rsa_pss_rsae_sha512", TLS1_3_VERSION, Algorithm::rsa_pss_sha512},
           Case{"ed25519", "ed25519", TLS1_3_VERSION, Algorithm::ed25519},
           Case{"p256", "ECDSA+SHA256", TLS1_2_VERSION, Algorithm::ecdsa_sha256},
           Case{"p256", "ECDSA+SHA512", TLS1_2_VERSION, Algorithm::ecdsa_sha512},
           Case{"rsa", "RSA+SHA256", TLS1_2_VERSION, Algorithm::rsa_pkcs1_sha256},
           Case{"rsa", "RSA-PSS+SHA384", TLS1_2_VERSION, Algorithm::rsa_pss_sha384},
           Case{"ed25519", "ed25519", TLS1_2_VERSION, Algorithm::ed25519},
       }) {
    CAPTURE(one.key);
    CAPTURE(one.schemes);
    CAPTURE(one.version);
    Fixture f;
    const KeyPtr key = key_of_type(one.key);
    const ContextPtr context = f.server_context(key, one.version);
    REQUIRE(SSL_CTX_set1_sigalgs_list(f.client.get(), one.schemes) == 1);
    Handshake handshake(context.get(), f.client.get(), f.signing, f.signer);
    REQUIRE(handshake.run() == SSL_ERROR_WANT_ASYNC);
    REQUIRE(f.signer.asked.size() == 1);
    const TestSigner::Asked asked = f.signer.asked[0];
    CHECK(asked.key.certificate == 7);
    CHECK(asked.key.fingerprint == f.name.fingerprint);
    CHECK(asked.algorithm == one.algorithm);
    CHECK(asked.message.size() <= keyholder_protocol::kMaxSigned);
    if (one.version == TLS1_3_VERSION) {
      CHECK(asked.message.starts_with(std::string(64, ' ') + "TLS 1.3, server CertificateVerify"));
    }
    // It goes on waiting when it is stepped without an answer.
    CHECK(handshake.step_server() == SSL_ERROR_WANT_ASYNC);
    asked.pending->settle(sign_with(key.get(), asked.algorithm, asked.message));
    CHECK(handshake.waiter.told == 1);
    CHECK(handshake.run() == SSL_ERROR_NONE);
    CHECK(SSL_is_init_finished(handshake.client.get()));
    CHECK(f.signer.asked.size() == 1);
  }
}

TEST_CASE("a signature that is refused or wrong ends the handshake") {
  for (const bool refused : {true, false}) {
    Fixture f;
    const KeyPtr key = make_ec_key();
    const ContextPtr context = f.server_context(key, TLS1_3_VERSION);
    Handshake handshake(context.get(), f.client.get(), f.signing, f.signer);
    REQUIRE(handshake.run() == SSL_ERROR_WANT_ASYNC);
    PendingSignature& pending = *f.signer.asked[0].pending;
    if (refused) {
      pending.settle_refused();
    } else {
      const KeyPtr other = make_ec_key();
      pending.settle(sign_with(other.get(), f.signer.asked[0].algorithm, "something else"));
    }
    CHECK(handshake.run() == SSL_ERROR_SSL);
    ERR_clear_error();
  }
}

TEST_CASE("a handshake that is given up leaves nothing behind") {
  Fixture f;
  const KeyPtr key = make_ec_key();
  const ContextPtr context = f.server_context(key, TLS1_3_VERSION);
  {
    Handshake handshake(context.get(), f.client.get(), f.signing, f.signer);
    REQUIRE(handshake.run() == SSL_ERROR_WANT_ASYNC);
    REQUIRE(f.signer.asked.size() == 1);
  }
  CHECK(f.signer.asked.empty());
}

TEST_CASE("without a job of OpenSSL's there is no signature") {
  Fixture f;
  const KeyPtr key = make_ec_key();
  const ContextPtr context = f.server_context(key, TLS1_3_VERSION);
  Handshake handshake(context.get(), f.client.get(), f.signing, f.signer);
  SSL_clear_mode(handshake.server.get(), SSL_MODE_ASYNC);
  CHECK(handshake.run() == SSL_ERROR_SSL);
  CHECK(f.signer.asked.empty());
  ERR_clear_error();
}

TEST_CASE("everything else is still the default provider's work") {
  Fixture f;
  CHECK(KeyPtr(EVP_EC_gen("P-256")) != nullptr);
  const KeyPtr key = make_ec_key();
  CHECK_FALSE(sign_with(key.get(), Algorithm::ecdsa_sha256, "text").empty());
}
