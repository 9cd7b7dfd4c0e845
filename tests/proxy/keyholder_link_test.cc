// KeyholderLink with the test at the keyholder's end: what is asked, in which messages, and again.
#include "proxy/keyholder_link.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "tests/proxy/tls/certificates.h"

using namespace dmpm;
using keyholder_protocol::Algorithm;
using Kind = keyholder_protocol::Answer;

namespace {

class KeptLog final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) override {
    text += line;
    text += '\n';
    return true;
  }
  std::string text;
};

struct Waiter final : tls::SignatureWaiter {
  void on_signature() override { ++told; }
  int told = 0;
};

struct Fixture {
  Fixture() {
    auto pair = Channel::pair();
    REQUIRE(pair.ok());
    keyholder = std::move(pair->ours);
    link = std::make_unique<KeyholderLink>(loop, std::move(pair->theirs), 1000, log);
    store = std::make_unique<tls::CertificateStore>(loop, *link);
    store->set_provider(*provider.value());
    link->attach(*store, tickets);
  }
  void run() {
    while (loop.run_ready()) {
    }
  }
  // The next message; empty when there is none.
  std::string hear() {
    std::string bytes(Channel::kMaxMessage, '\0');
    const ssize_t size = ::recv(keyholder.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return bytes;
  }
  void say(std::string_view message) {
    CHECK(::send(keyholder.get(), message.data(), message.size(), MSG_NOSIGNAL) > 0);
    run();
  }
  void request(tls::PendingSignature& pending, std::string_view message) {
    tls::KeyName name;
    name.certificate = 7;
    name.fingerprint[0] = 'f';
    pending.request(name, Algorithm::ecdsa_sha256, message);
  }
  EventLoop loop;
  KeptLog kept;
  Log log{"dispatcher", kept};
  tls::SigningContext signing;
  Result<std::unique_ptr<tls::RemoteKeyProvider>> provider = tls::RemoteKeyProvider::load(signing);
  tls::TicketKeys tickets;
  Fd keyholder;
  std::unique_ptr<KeyholderLink> link;
  std::unique_ptr<tls::CertificateStore> store;
  Waiter waiter;
};

WireWriter answer(Kind kind, uint64_t id) {
  WireWriter writer;
  writer.u32(static_cast<uint32_t>(kind)).u64(id);
  return writer;
}

std::string ticket_keys() {
  return WireWriter()
      .u32(static_cast<uint32_t>(Kind::ticket_keys))
      .u32(1)
      .string(std::string(keyholder_protocol::kTicketKeySize, 'k'))
      .take();
}

std::string load(uint64_t id, uint32_t certificate) {
  return WireWriter().u32(1).u64(id).u32(certificate).take();
}

}  // namespace

TEST_CASE("requests of a round leave in one message") {
  Fixture f;
  tls::PendingSignature pending(*f.link, f.waiter);
  f.link->want_certificate(5);
  f.request(pending, "to be signed");
  f.link->want_certificate(6);
  CHECK(f.hear().empty());
  f.run();
  const std::string sign = pending.sent;
  const std::string all = load(1001, 5) + sign + load(1003, 6);
  CHECK(f.hear() == all);
  CHECK(f.hear().empty());
}

TEST_CASE("each answer goes to who asked, others to nobody") {
  Fixture f;
  tls::PendingSignature one(*f.link, f.waiter), other(*f.link, f.waiter);
  f.request(one, "1");
  f.request(other, "2");
  f.say(answer(Kind::signature, 999).string("a predecessor's").bytes());
  f.say(answer(Kind::refused, 7).string("a predecessor's").bytes());
  f.say(answer(Kind::certificate, 7).u32(0).bytes());
  CHECK(f.waiter.told == 0);
  f.say(answer(Kind::signature, other.id).string("second").bytes() +
        answer(Kind::refused, one.id).string("because").bytes());
  CHECK(f.waiter.told == 2);
  CHECK(other.signature() == "second");
  CHECK(one.state() == tls::PendingSignature::State::refused);
  CHECK(f.kept.text.find("because") != std::string::npos);
  // Answered twice, as after a restart.
  f.say(answer(Kind::signature, other.id).string("again").bytes());
  CHECK(f.waiter.told == 2);
  CHECK(other.signature() == "second");
}

TEST_CASE("what is unanswered is asked again when ticket keys come") {
  Fixture f;
  tls::PendingSignature answered(*f.link, f.waiter), waiting(*f.link, f.waiter);
  f.request(answered, "1");
  f.request(waiting, "2");
  {
    tls::PendingSignature given_up(*f.link, f.waiter);
    f.request(given_up, "3");
  }
  f.link->want_certificate(5);
  f.say(answer(Kind::signature, answered.id).string("s").bytes());
  while (!f.hear().empty()) {
  }
  f.say(ticket_keys());
  CHECK(f.hear() == load(1004, 5) + waiting.sent);
}

TEST_CASE("a malformed answer ends the dispatcher: its successor begins anew") {
  const std::string good = answer(Kind::signature, 1).string("signature").take();
  for (const std::string& message : {std::string("x"), good.substr(0, good.size() - 1), good + "x",
                                     WireWriter().u32(77).u64(1).take()}) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::signal(SIGABRT, SIG_DFL);
      Fixture f;
      f.say(message);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
  }
}
