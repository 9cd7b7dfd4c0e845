// CertificateStore with a source that takes notes, and whole handshakes with certificates of it.
#include "proxy/tls/certificate_store.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include "base/text.h"
#include "proxy/limits.h"
#include "tests/proxy/tls/certificates.h"
#include "tests/proxy/tls/test_signer.h"

using namespace dmpm;
using namespace dmpm::tls;
using namespace dmpm::test;
using Outcome = CertificateSelector::Outcome;
using Numbers = std::vector<uint32_t>;

namespace {

// A certificate chain, as the keyholder sends it, and the key that it keeps.
struct Pair {
  std::vector<std::string> ders;
  KeyPtr key;
  CertificateChain chain() const { return {ders.begin(), ders.end()}; }
};

Pair new_pair(const std::string& name, KeyPtr key) {
  std::string der = to_der(make_certificate(name, key.get(), key.get(), name).get());
  return {{std::move(der)}, std::move(key)};
}

class TestSource final : public CertificateSource {
 public:
  void want_certificate(uint32_t number) override { wanted_.push_back(number); }
  Numbers take() { return std::exchange(wanted_, {}); }

 private:
  Numbers wanted_;
};

struct Fixture : CertificateSelector {
  // Asks without a connection that would wait.
  Outcome use(uint32_t number) {
    ssl = context->new_ssl();
    net::Connection::CertificateWaiter nobody;
    return store.use(number, ssl.get(), nobody);
  }
  // The common name of what the last use() has chosen.
  std::string chosen() const {
    std::array<char, 64> name{};
    const X509* certificate = SSL_get_certificate(ssl.get());
    if (certificate == nullptr) return {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
    return name.data();
  }
  Outcome select(SSL*, std::string_view) override { return Outcome::none; }

  Fixture() { store.set_provider(*provider); }
  Status answer(uint32_t number, const Pair& pair) {
    return store.on_certificate(number, std::array{pair.chain()});
  }

  EventLoop loop;
  net::OutputStaging staging;
  TlsShared shared{staging};
  std::unique_ptr<RemoteKeyProvider> provider =
      std::move(RemoteKeyProvider::load(shared.signing()).value());
  TicketKeys tickets;
  std::unique_ptr<TlsContext> context = std::move(TlsContext::create(*this, tickets).value());
  TestSource source;
  CertificateStore store{loop, source};
  SslPtr ssl;
};

}  // namespace

TEST_CASE("a certificate is asked for once and then at hand") {
  for (const bool rsa : {false, true}) {
    CAPTURE(rsa);
    Fixture f;
    const Pair pair = new_pair("a.test", rsa ? make_rsa_key() : make_ec_key());
    CHECK(f.use(5) == Outcome::pending);
    CHECK(f.use(5) == Outcome::pending);
    CHECK(f.source.take() == Numbers{5});
    CHECK(f.answer(5, pair).ok());
    CHECK(f.use(5) == Outcome::chosen);
    CHECK(f.chosen() == "a.test");
    CHECK(f.use(6) == Outcome::pending);
    CHECK(f.source.take() == Numbers{6});
  }
}

TEST_CASE("a chain is used with its intermediate certificates") {
  Fixture f;
  const KeyPtr authority = make_ec_key(), key = make_rsa_key();
  const std::string leaf =
      to_der(make_certificate("a.test", key.get(), authority.get(), "authority").get());
  const std::string issuer =
      to_der(make_certificate("authority", authority.get(), authority.get(), "authority").get());
  f.use(1);
  REQUIRE(f.store.on_certificate(1, std::array{CertificateChain{leaf, issuer}}).ok());
  REQUIRE(f.use(1) == Outcome::chosen);
  CHECK(f.chosen() == "a.test");
  STACK_OF(X509)* rest = nullptr;
  REQUIRE(SSL_get0_chain_certs(f.ssl.get(), &rest) == 1);
  CHECK(sk_X509_num(rest) == 1);
}

TEST_CASE("what is no certificate is refused, and asked for again after a while") {
  Fixture f;
  const Pair good = new_pair("a.test", make_ec_key());
  for (const CertificateChain& chain :
       {CertificateChain{}, CertificateChain{"nonsense"}, CertificateChain{good.ders[0], "x"}}) {
    f.store.forget(1);
    CHECK(f.use(1) == Outcome::pending);
    CHECK_FALSE(f.store.on_certificate(1, std::array{chain}).ok());
    CHECK(f.use(1) == Outcome::none);
  }
  CHECK(f.source.take() == Numbers{1, 1, 1});
  f.store.forget(1);
  CHECK(f.use(1) == Outcome::pending);
  CHECK_FALSE(f.store.on_certificate(1, {}).ok());
  f.store.forget(1);
  CHECK(f.use(1) == Outcome::pending);
  CHECK(f.answer(1, good).ok());
  CHECK(f.use(1) == Outcome::chosen);
}

TEST_CASE("a certificate that changes is asked for anew") {
  Fixture f;
  const Pair before = new_pair("before", make_ec_key()), after = new_pair("after", make_ec_key());
  f.use(1);
  REQUIRE(f.answer(1, before).ok());
  f.store.forget(1);
  CHECK(f.use(1) == Outcome::pending);
  CHECK(f.source.take() == Numbers{1, 1});
  REQUIRE(f.answer(1, after).ok());
  f.use(1);
  CHECK(f.chosen() == "after");
}

TEST_CASE("an answer about files that have changed since is not used") {
  Fixture f;
  const Pair before = new_pair("before", make_ec_key()), after = new_pair("after", make_ec_key());
  f.use(1);
  f.store.forget(1);
  f.store.forget(1);
  CHECK(f.source.take() == Numbers{1});  // an answer is still to come: asking twice is an offence
  CHECK(f.answer(1, before).ok());
  CHECK(f.source.take() == Numbers{1});
  CHECK(f.use(1) == Outcome::pending);
  CHECK(f.answer(1, after).ok());
  f.use(1);
  CHECK(f.chosen() == "after");
  // A failure may be outdated as well.
  f.use(2);
  f.store.forget(2);
  f.store.on_failed(2);
  CHECK(f.source.take() == Numbers{2, 2});
  CHECK(f.use(2) == Outcome::pending);
  f.store.on_failed(2);
  CHECK(f.use(2) == Outcome::none);
}

TEST_CASE("answers that nobody asked for change nothing") {
  Fixture f;
  const Pair pair = new_pair("a.test", make_ec_key()), other = new_pair("b.test", make_ec_key());
  CHECK(f.answer(1, pair).ok());
  f.store.on_failed(1);
  f.store.forget(1);
  CHECK(f.use(1) == Outcome::pending);
  CHECK(f.answer(1, pair).ok());
  CHECK(f.answer(1, other).ok());
  f.store.on_failed(1);
  CHECK(f.use(1) == Outcome::chosen);
  CHECK(f.chosen() == "a.test");
}

TEST_CASE("the least recently used certificate is forgotten first") {
  Fixture f;
  const Pair pair = new_pair("a.test", make_ec_key());
  const auto load = [&](uint32_t number) {
    f.use(number);
    REQUIRE(f.answer(number, pair).ok());
  };
  for (uint32_t number = 0; number < limits::kMaxLoadedCertificates; ++number) load(number);
  CHECK(f.use(0) == Outcome::chosen);  // now 1 is the oldest
  const SslPtr handshake = std::move(f.ssl);
  load(5'000);
  f.source.take();
  CHECK(f.use(0) == Outcome::chosen);
  CHECK(f.use(2) == Outcome::chosen);
  CHECK(f.use(5'000) == Outcome::chosen);
  CHECK(f.source.take().empty());
  CHECK(f.use(1) == Outcome::pending);
  CHECK(f.source.take() == Numbers{1});
}

// ---- whole handshakes ----

namespace {

// A server connection and an OpenSSL client over a socket pair; the test has the private keys.
struct Handshake final : Fixture, net::ConnectionOwner {
  Handshake() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
    client_end.reset(ends[1]);
    server = std::make_unique<net::Connection>(services, Fd(ends[0]), http::ClientInfo{}, 0);
    client_context.reset(SSL_CTX_new(TLS_client_method()));
    client.reset(SSL_new(client_context.get()));
    SSL_set_fd(client.get(), client_end.get());
    SSL_set_tlsext_host_name(client.get(), "a.test");
    server->start_tls(own_context->new_ssl(), shared, signer);
  }

  // As far as it goes without an answer; true when the client is done.
  bool advance() {
    bool done = false;
    do {
      done = SSL_connect(client.get()) == 1;
    } while (loop.run_ready());
    return done;
  }
  // Signs what has been asked for, and goes on.
  bool sign_with(const Pair& pair) {
    while (!signer.asked.empty()) signer.take().settle_with(pair.key.get());
    return advance();
  }
  // The certificate that the client was shown.
  std::string shown() const {
    const X509Ptr certificate(SSL_get1_peer_certificate(client.get()));
    return certificate == nullptr ? std::string() : to_der(certificate.get());
  }

  struct Selector final : CertificateSelector {
    explicit Selector(Handshake& test) : test_(test) {}
    Outcome select(SSL* handshaking, std::string_view name) override {
      CHECK(name == "a.test");
      test_.server_ssl = handshaking;
      net::Connection& connection = TlsTransport::connection_of(handshaking);
      return test_.store.use(1, handshaking, connection.certificate_waiter());
    }
    Handshake& test_;
  };

  struct QuietSession final : net::Session {
    size_t wanted() const override { return 1; }
    void on_data(std::string_view) override {}
    void on_end_of_input() override {}
    void on_turn() override {}
    void produce() override {}
    void on_room() override {}
    Milliseconds on_deadline() override { return Milliseconds(1000); }
    void on_lost() override {}
    void drain(Milliseconds) override {}
  };

  // net::ConnectionOwner
  std::unique_ptr<net::Session> new_session(net::SessionHost&, std::string_view) override {
    opened = true;
    return std::make_unique<QuietSession>();
  }
  void on_closed(net::Connection&) override { graveyard.bury(std::move(server)); }

  DeadlineWheel wheel{loop};
  Graveyard graveyard{loop};
  ClientLimits limits;
  TestSigner signer;
  std::vector<char> plaintext = std::vector<char>(limits::kReadSize);
  net::Shares shares{1};
  Counts counts{std::move(*metrics::Mapping<Counts::Segment>::alone())};
  net::ConnectionServices services{loop, wheel, shares, *this, limits, counts, plaintext};
  Selector selector{*this};
  std::unique_ptr<TlsContext> own_context =
      std::move(TlsContext::create(selector, tickets).value());
  std::unique_ptr<net::Connection> server;
  Fd client_end;
  std::unique_ptr<SSL_CTX, SslDeleter> client_context;
  SslPtr client;
  SSL* server_ssl = nullptr;
  bool opened = false;
};

}  // namespace

TEST_CASE("a handshake waits for its certificate and goes on with it") {
  for (const bool rsa : {false, true}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CAPTURE(rsa);
      CAPTURE(version);
      Handshake f;
      const Pair pair = new_pair("a.test", rsa ? make_rsa_key() : make_ec_key());
      SSL_set_max_proto_version(f.client.get(), version);
      CHECK_FALSE(f.advance());
      CHECK(f.source.take() == Numbers{1});
      CHECK_FALSE(f.opened);
      CHECK(f.answer(1, pair).ok());
      CHECK_FALSE(f.advance());
      CHECK_FALSE(f.opened);
      CHECK(f.signer.asked.size() == 1);
      CHECK(f.sign_with(pair));
      CHECK(f.opened);
      CHECK(f.shown() == pair.ders[0]);
      CHECK(SSL_version(f.client.get()) == version);
    }
  }
}

TEST_CASE("an open connection has nothing of its handshake's ephemeral keys") {
  const auto has = [](SSL* ssl, int which) {
    EVP_PKEY* key = nullptr;
    if (SSL_ctrl(ssl, which, 0, &key) != 1) return false;
    unsigned char* public_half = nullptr;
    const bool result = EVP_PKEY_get1_encoded_public_key(key, &public_half) > 0;
    OPENSSL_free(public_half);
    EVP_PKEY_free(key);
    return result;
  };
  for (const char* group : {"X25519", "P-256"}) {
    CAPTURE(group);
    Handshake f;
    const Pair pair = new_pair("a.test", make_ec_key());
    SSL_set1_groups_list(f.client.get(), group);
    CHECK_FALSE(f.advance());
    CHECK(f.answer(1, pair).ok());
    CHECK_FALSE(f.advance());
    CHECK(has(f.server_ssl, SSL_CTRL_GET_TMP_KEY));
    CHECK(f.sign_with(pair));
    REQUIRE(f.opened);
    CHECK(has(f.client.get(), SSL_CTRL_GET_PEER_TMP_KEY));
    CHECK_FALSE(has(f.server_ssl, SSL_CTRL_GET_TMP_KEY));
    CHECK_FALSE(has(f.server_ssl, SSL_CTRL_GET_PEER_TMP_KEY));
    ERR_clear_error();
  }
}

TEST_CASE("a handshake without a certificate fails, at once or after the answer") {
  for (const bool known : {false, true}) {
    CAPTURE(known);
    Handshake f;
    if (known) f.use(1);
    if (known) f.store.on_failed(1);
    CHECK_FALSE(f.advance());
    CHECK((f.server != nullptr) == !known);
    f.store.on_failed(1);
    CHECK_FALSE(f.advance());
    CHECK_FALSE(f.opened);
    CHECK(f.server == nullptr);
    CHECK(SSL_get_error(f.client.get(), SSL_connect(f.client.get())) == SSL_ERROR_SSL);
  }
}

TEST_CASE("a client that leaves while its certificate is fetched") {
  Handshake f;
  const Pair pair = new_pair("a.test", make_ec_key());
  CHECK_FALSE(f.advance());
  f.client_end.reset();
  while (f.loop.run_ready()) {
  }
  CHECK(f.answer(1, pair).ok());
  while (f.loop.run_ready()) {
  }
  CHECK_FALSE(f.opened);
}

TEST_CASE("a connection that ends while its certificate is fetched") {
  Handshake f;
  const Pair pair = new_pair("a.test", make_ec_key());
  CHECK_FALSE(f.advance());
  f.server.reset();
  CHECK(f.answer(1, pair).ok());
}

TEST_CASE("a connection that ends while its signature is made leaves nothing behind") {
  Handshake f;
  const Pair pair = new_pair("a.test", make_ec_key());
  f.use(1);
  CHECK(f.answer(1, pair).ok());
  CHECK_FALSE(f.advance());
  REQUIRE(f.signer.asked.size() == 1);
  f.server.reset();
  CHECK(f.signer.asked.empty());
}

TEST_CASE("of two certificates the client's choice is used") {
  for (const char* schemes : {"ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"}) {
    CAPTURE(schemes);
    Handshake f;
    const Pair ec = new_pair("a.test", make_ec_key()), rsa = new_pair("a.test", make_rsa_key());
    REQUIRE(SSL_set1_sigalgs_list(f.client.get(), schemes) == 1);
    f.use(1);
    REQUIRE(f.store.on_certificate(1, std::array{ec.chain(), rsa.chain()}).ok());
    CHECK_FALSE(f.advance());
    const Pair& chosen = std::string_view(schemes).starts_with("rsa") ? rsa : ec;
    CHECK(f.sign_with(chosen));
    CHECK(f.shown() == chosen.ders[0]);
  }
}
