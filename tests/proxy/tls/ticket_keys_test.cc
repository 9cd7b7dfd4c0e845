// TicketKeys: sessions that are resumed, or not, by the keys that a server has.
#include "proxy/tls/ticket_keys.h"

#include <doctest/doctest.h>

#include <string>

#include "proxy/tls/tls_context.h"
#include "tests/proxy/tls/certificates.h"

using namespace dmpm;
using namespace dmpm::tls;
using namespace dmpm::test;

namespace {

using ContextPtr = std::unique_ptr<SSL_CTX, SslDeleter>;

struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionDeleter>;

std::string ticket_key(char fill) {
  return std::string(keyholder_protocol::kTicketKeySize, fill);
}

struct Server {
  explicit Server(int version) : context(SSL_CTX_new(TLS_server_method())) {
    const KeyPtr key = make_ec_key();
    const X509Ptr certificate = make_certificate("a.test", key.get(), key.get(), "a.test");
    REQUIRE(SSL_CTX_use_cert_and_key(context.get(), certificate.get(), key.get(), nullptr, 1) == 1);
    SSL_CTX_set_max_proto_version(context.get(), version);
    keys.install(context.get());
  }
  bool set(std::initializer_list<std::string_view> list) {
    return keys.set(std::vector<std::string_view>(list));
  }
  // The session of a new connection that offered `session`; `resumed`: it was taken.
  SessionPtr connect(SSL_SESSION* session, bool& resumed) {
    const SslPtr server(SSL_new(context.get())), client(SSL_new(client_context.get()));
    BIO *server_end = nullptr, *client_end = nullptr;
    REQUIRE(BIO_new_bio_pair(&server_end, 0, &client_end, 0) == 1);
    SSL_set_bio(server.get(), server_end, server_end);
    SSL_set_bio(client.get(), client_end, client_end);
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    if (session != nullptr) SSL_set_session(client.get(), session);
    for (int i = 0; i < 10; ++i) {
      SSL_do_handshake(client.get());
      SSL_do_handshake(server.get());
    }
    REQUIRE(SSL_is_init_finished(client.get()));
    char byte = 0;
    SSL_write(server.get(), "x", 1);
    REQUIRE(SSL_read(client.get(), &byte, 1) == 1);  // takes the tickets in, too
    resumed = SSL_session_reused(client.get()) == 1;
    SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN);  // or the session could not be resumed
    SSL_set_shutdown(server.get(), SSL_SENT_SHUTDOWN);
    return SessionPtr(SSL_get1_session(client.get()));
  }
  bool resumes(SSL_SESSION* session) {
    bool resumed = false;
    connect(session, resumed);
    return resumed;
  }

  TicketKeys keys;
  ContextPtr context;
  ContextPtr client_context{SSL_CTX_new(TLS_client_method())};
};

}  // namespace

TEST_CASE("a session is resumed as long as its key is known") {
  const std::string a = ticket_key('a'), b = ticket_key('b'), c = ticket_key('c');
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    Server server(version);
    REQUIRE(server.set({a}));
    bool resumed = true;
    const SessionPtr session = server.connect(nullptr, resumed);
    CHECK_FALSE(resumed);
    CHECK(server.resumes(session.get()));
    REQUIRE(server.set({b, a}));  // rotated
    CHECK(server.resumes(session.get()));
    REQUIRE(server.set({c}));  // of a new keyholder: what was set before stays once more
    CHECK(server.resumes(session.get()));
    REQUIRE(server.set({c}));
    CHECK_FALSE(server.resumes(session.get()));
  }
}

TEST_CASE("other servers with the same keys resume as well") {
  const std::string a = ticket_key('a');
  Server one(TLS1_3_VERSION), other(TLS1_3_VERSION);
  REQUIRE(one.set({a}));
  REQUIRE(other.set({a}));
  bool resumed = false;
  const SessionPtr session = one.connect(nullptr, resumed);
  CHECK(other.resumes(session.get()));
}

TEST_CASE("without a key there are no tickets") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    Server server(version);
    // No cache of the server's either, as in the dispatcher.
    SSL_CTX_set_session_cache_mode(server.context.get(), SSL_SESS_CACHE_OFF);
    bool resumed = false;
    const SessionPtr session = server.connect(nullptr, resumed);
    CHECK_FALSE(server.resumes(session.get()));
  }
}

TEST_CASE("keys of the wrong size change nothing") {
  Server server(TLS1_3_VERSION);
  REQUIRE(server.set({ticket_key('a')}));
  bool resumed = false;
  const SessionPtr session = server.connect(nullptr, resumed);
  CHECK_FALSE(server.set({ticket_key('b'), "short"}));
  CHECK_FALSE(server.set({ticket_key('b'), "short"}));
  CHECK(server.resumes(session.get()));
}
