// Keyholder whole, with the test at the master's and two dispatchers' ends.
#include "keyholder/keyholder.h"

#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "tests/keyholder/fixture.h"

using namespace dmpm;
using namespace dmpm::keyholder;
using namespace dmpm::test;
using keyholder_protocol::Algorithm;
using keyholder_protocol::MasterRequest;
using keyholder_protocol::MasterRequestType;
using keyholder_protocol::Notice;
using keyholder_protocol::Verdict;
using Kind = keyholder_protocol::Answer;

namespace {

struct House {
  House() {
    std::vector<Fd> theirs;
    for (Ends& one : dispatchers) theirs.push_back(std::move(one.theirs));
    keyholder = std::make_unique<Keyholder>(loop, std::move(master.theirs), std::move(theirs));
    keyholder->start();
  }
  MasterRequest hear_request() {
    std::string message;
    CHECK(run_until(loop, [&] { return !(message = hear(master.ours)).empty(); }));
    MasterRequest request{};
    REQUIRE(message.size() == sizeof request);
    std::memcpy(&request, message.data(), sizeof request);
    return request;
  }
  Answer hear_answer(unsigned dispatcher = 0) {
    auto& waiting = heard[dispatcher];
    if (waiting.empty()) {
      std::string message;
      CHECK(
          run_until(loop, [&] { return !(message = hear(dispatchers[dispatcher].ours)).empty(); }));
      for (Answer& answer : parse_answers(message)) waiting.push_back(std::move(answer));
    }
    Answer first = waiting.at(0);
    waiting.erase(waiting.begin());
    return first;
  }
  Answer ask(const std::string& request, unsigned dispatcher = 0) {
    say(dispatchers[dispatcher].ours, request);
    return hear_answer(dispatcher);
  }
  // `pem` is loaded as certificate 7; its fingerprint.
  Fingerprint load(const PemPair& pem, uint64_t id = 1) {
    say(dispatchers[0].ours, load_request(id, 7));
    const MasterRequest wanted = hear_request();
    CHECK(wanted.type == MasterRequestType::want_key);
    CHECK(wanted.certificate == 7);
    say(master.ours, key_notice(7, pem));
    CHECK(hear_request().verdict == Verdict::good);
    CHECK(hear_answer().kind == Kind::certificate);
    return parse_pair(pem.chain, pem.key, std::time(nullptr)).pair->fingerprint();
  }
  void begin() {
    CHECK(hear_request().type == MasterRequestType::ready);
    CHECK(hear_answer(0).kind == Kind::ticket_keys);
    CHECK(hear_answer(1).kind == Kind::ticket_keys);
  }

  EventLoop loop;
  Ends master = make_channel();
  Ends dispatchers[2] = {make_channel(), make_channel()};
  std::vector<Answer> heard[2];
  std::unique_ptr<Keyholder> keyholder;
};

}  // namespace

TEST_CASE("at its start it says ready, and gives all dispatchers the same ticket keys") {
  House house;
  CHECK(house.hear_request().type == MasterRequestType::ready);
  const Answer first = house.hear_answer(0), second = house.hear_answer(1);
  REQUIRE(first.kind == Kind::ticket_keys);
  REQUIRE(first.keys.size() == 1);
  CHECK(first.keys[0].size() == keyholder_protocol::kTicketKeySize);
  CHECK(std::set<char>(first.keys[0].begin(), first.keys[0].end()).size() > 16);
  CHECK(first.keys == second.keys);
  say(house.master.ours, number_notice(Notice::dispatcher_started, 1));
  CHECK(house.hear_answer(1).keys == first.keys);
  House other;
  CHECK(other.hear_answer(0).keys != first.keys);
}

TEST_CASE("certificates and signatures") {
  House house;
  house.begin();
  const KeyPtr key = make_ec_key();
  const Fingerprint fingerprint = house.load(make_pair(key.get()));
  for (const unsigned dispatcher : {0, 1}) {
    const Answer answer = house.ask(
        sign_request(5, 7, fingerprint, Algorithm::ecdsa_sha256, certificate_verify()), dispatcher);
    CHECK(answer.kind == Kind::signature);
    CHECK(answer.id == 5);
    CHECK(is_signature(key.get(), Algorithm::ecdsa_sha256, certificate_verify(), answer.text));
  }
  const Answer certificate = house.ask(load_request(6, 7), 1);
  REQUIRE(certificate.chains.size() == 1);
  CHECK(certificate.chains[0].size() == 1);
}

TEST_CASE("what is no handshake of that key is refused, and the master told of it") {
  House house;
  house.begin();
  const KeyPtr key = make_ec_key();
  const Fingerprint fingerprint = house.load(make_pair(key.get()));
  Fingerprint other = fingerprint;
  other[0] = static_cast<char>(other[0] ^ 1);
  struct Case {
    const char* what;
    std::string request;
    bool forbidden;
  };
  const std::string good = certificate_verify();
  const Case cases[] = {
      {"a hash", sign_request(5, 7, fingerprint, Algorithm::ecdsa_sha256, std::string(32, 'h')),
       true},
      {"nothing", sign_request(5, 7, fingerprint, Algorithm::ecdsa_sha256, ""), true},
      {"another type's algorithm", sign_request(5, 7, fingerprint, Algorithm::rsa_pss_sha256, good),
       true},
      {"no algorithm", sign_request(5, 7, fingerprint, static_cast<Algorithm>(0), good), true},
      {"another key", sign_request(5, 7, other, Algorithm::ecdsa_sha256, good), false},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const Answer answer = house.ask(one.request);
    CHECK(answer.kind == Kind::refused);
    CHECK(answer.id == 5);
    if (!one.forbidden) continue;
    const MasterRequest told = house.hear_request();
    CHECK(told.type == MasterRequestType::forbidden);
    CHECK(told.certificate == 0);
    CHECK(told.index == 1);
  }
  CHECK(house.ask(sign_request(6, 7, fingerprint, Algorithm::ecdsa_sha256, good)).kind ==
        Kind::signature);
}

TEST_CASE("a certificate that is not loaded is loaded for its signature") {
  // As after a restart of the keyholder: the dispatcher has the certificate.
  House house;
  house.begin();
  const KeyPtr key = make_ec_key();
  const PemPair pem = make_pair(key.get());
  const Fingerprint fingerprint =
      parse_pair(pem.chain, pem.key, std::time(nullptr)).pair->fingerprint();
  say(house.dispatchers[0].ours,
      sign_request(5, 7, fingerprint, Algorithm::ecdsa_sha256, certificate_verify()));
  CHECK(house.hear_request().type == MasterRequestType::want_key);
  say(house.master.ours, key_notice(7, pem));
  CHECK(house.hear_answer().kind == Kind::signature);
}

TEST_CASE("a handshake that began before a renewal gets its old key") {
  House house;
  house.begin();
  const KeyPtr key = make_ec_key();
  const Fingerprint old = house.load(make_pair(key.get()));
  const auto sign = [&](uint64_t id) {
    return sign_request(id, 7, old, Algorithm::ecdsa_sha256, certificate_verify());
  };
  // What the master said before counts, even when both are there to be read.
  say(house.dispatchers[0].ours, sign(4) + load_request(5, 7));
  say(house.master.ours, number_notice(Notice::forget, 7));
  CHECK(house.hear_request().type == MasterRequestType::want_key);
  const KeyPtr next = make_rsa_key();
  say(house.master.ours, key_notice(7, make_pair(next.get())));
  CHECK(house.hear_request().verdict == Verdict::good);
  for (int i = 0; i < 2; ++i) {
    const Answer answer = house.hear_answer();
    if (answer.id == 4) CHECK(answer.kind == Kind::signature);
    if (answer.id == 5) CHECK(answer.kind == Kind::certificate);
  }
  CHECK(house.ask(sign(6)).kind == Kind::signature);
  // And when the new one cannot be loaded.
  say(house.master.ours, number_notice(Notice::forget, 7));
  say(house.dispatchers[0].ours, sign(8));
  CHECK(house.hear_request().type == MasterRequestType::want_key);
  say(house.master.ours, no_key_notice(7, "no such file"));
  CHECK(house.hear_answer().kind == Kind::signature);
}

TEST_CASE("it ends with the master") {
  House house;
  house.begin();
  house.master.ours.reset();
  house.loop.run();  // comes back
}
