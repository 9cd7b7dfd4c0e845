// DispatcherPort: what is on a channel that nobody trusts.
#include "keyholder/dispatcher_port.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <random>

#include "base/channel.h"
#include "keyholder/limits.h"
#include "tests/keyholder/fixture.h"

using namespace dmpm;
using namespace dmpm::keyholder;
using namespace dmpm::test;
using keyholder_protocol::Algorithm;
using keyholder_protocol::MasterRequestType;

namespace {

struct Owner final : DispatcherPortOwner {
  void before_requests() override { ++before; }
  void on_request(Request request) override {
    CHECK(before > 0);
    requests.push_back(std::move(request));
  }
  void on_offence(unsigned dispatcher, MasterRequestType kind, uint32_t count) override {
    CHECK(dispatcher == 5);
    offences.push_back({kind, count});
  }
  int before = 0;
  std::vector<Request> requests;
  std::vector<std::pair<MasterRequestType, uint32_t>> offences;
};

struct Fixture {
  void run() {
    while (loop.run_ready()) {
    }
  }
  void tell(std::string_view message) {
    say(ends.ours, message);
    run();
  }
  std::vector<Answer> answers() {
    run();
    std::vector<Answer> all;
    for (std::string message = hear(ends.ours); !message.empty(); message = hear(ends.ours)) {
      for (Answer& answer : parse_answers(message)) all.push_back(std::move(answer));
      run();
    }
    return all;
  }
  // What the master is told; waits for it.
  std::vector<std::pair<MasterRequestType, uint32_t>> offences() {
    CHECK(run_until(loop, [&] { return !owner.offences.empty(); }));
    return std::exchange(owner.offences, {});
  }
  EventLoop loop;
  Owner owner;
  Ends ends = make_channel();
  DispatcherPort port{loop, std::move(ends.theirs), 5, owner};
};

using Offences = std::vector<std::pair<MasterRequestType, uint32_t>>;

const Fingerprint kSomeKey{'f', 'p'};

std::string good_sign_request(uint64_t id = 9) {
  return sign_request(id, 7, kSomeKey, Algorithm::ecdsa_sha256, certificate_verify());
}

}  // namespace

TEST_CASE("requests, several in a message") {
  Fixture f;
  f.tell(load_request(1, 7) + good_sign_request(2) + load_request(3, 8));
  f.tell(load_request(4, 9));
  REQUIRE(f.owner.requests.size() == 4);
  const Request& sign = f.owner.requests[1];
  CHECK(sign.dispatcher == 5);
  CHECK(sign.id == 2);
  CHECK(sign.certificate == 7);
  CHECK(sign.sign);
  CHECK(sign.fingerprint == kSomeKey);
  CHECK(sign.algorithm == Algorithm::ecdsa_sha256);
  CHECK(sign.message == certificate_verify());
  CHECK_FALSE(f.owner.requests[0].sign);
  CHECK(f.owner.requests[3].certificate == 9);
}

TEST_CASE("malformed messages are counted, and nothing else") {
  const std::string good = good_sign_request();
  std::vector<std::string> messages = {"x",
                                       std::string(4, '\0'),
                                       WireWriter().u32(3).u64(1).u32(7).take(),
                                       WireWriter().u32(0xffffffff).u64(1).u32(7).take(),
                                       load_request(1, 7) + "x",
                                       good + "xyz",
                                       std::string(Channel::kMaxMessage, '\x41'),
                                       std::string(Channel::kMaxMessage + 1, '\0')};
  for (size_t size = 1; size < good.size(); ++size) messages.push_back(good.substr(0, size));
  // A fingerprint or message of another length.
  for (const size_t size : {0, 31, 33, 1000}) {
    messages.push_back(WireWriter()
                           .u32(2)
                           .u64(1)
                           .u32(7)
                           .string(std::string(size, 'f'))
                           .u32(0x0403)
                           .string("m")
                           .take());
  }
  messages.push_back(sign_request(1, 7, kSomeKey, Algorithm::ecdsa_sha256,
                                  std::string(keyholder_protocol::kMaxSigned + 1, 'm')));
  // A length beyond the end.
  messages.push_back(WireWriter().u32(2).u64(1).u32(7).u32(0xfffffff0).take());
  Fixture f;
  for (const std::string& message : messages) f.tell(message);
  // What stands before the mistake is understood: two of them begin with a good request.
  CHECK(f.owner.requests.size() == 2);
  CHECK(f.offences() == Offences{{MasterRequestType::malformed, messages.size()}});
  f.tell(good);
  CHECK(f.owner.requests.size() == 3);
  CHECK(f.answers().empty());
}

TEST_CASE("an empty message is no end") {
  Fixture f;
  ::send(f.ends.ours.get(), "", 0, MSG_NOSIGNAL);
  f.tell(good_sign_request());
  CHECK(f.owner.requests.size() == 1);
  CHECK(f.offences() == Offences{{MasterRequestType::malformed, 1}});
}

TEST_CASE("random bytes end nothing") {
  Fixture f;
  std::mt19937 random(1);
  std::string good = load_request(1, 7) + good_sign_request();
  for (int i = 0; i < 5'000; ++i) {
    std::string message;
    if (i % 2 == 0) {
      message.resize(1 + random() % 300);
      for (char& c : message) c = static_cast<char>(random());
    } else {
      message = good;
      for (unsigned left = 1 + random() % 4; left > 0; --left) {
        message[random() % message.size()] = static_cast<char>(random());
      }
    }
    f.tell(message);
  }
  f.owner.requests.clear();
  f.tell(good_sign_request(77));
  REQUIRE(f.owner.requests.size() == 1);
  CHECK(f.owner.requests[0].id == 77);
}

TEST_CASE("what is beyond the rate is refused and counted") {
  Fixture f;
  const auto burst = static_cast<size_t>(keyholder_limits::kSignatureBurst);
  size_t answered = 0;
  constexpr size_t kInOne = 400;  // so that they come faster than the clock gives new ones
  for (size_t id = 0; id < 2 * burst; id += kInOne) {
    std::string message;
    for (size_t i = 0; i < kInOne; ++i) message += good_sign_request(id + i);
    f.tell(message);
    for (const Answer& answer : f.answers()) {
      CHECK(answer.kind == keyholder_protocol::Answer::refused);
      CHECK(answer.text == "too many requests");
      ++answered;
    }
  }
  // The clock goes on meanwhile, so more than the burst is served.
  CHECK(f.owner.requests.size() >= burst);
  CHECK(answered > 0);
  CHECK(answered + f.owner.requests.size() == 2 * burst);
  const Offences told = f.offences();
  REQUIRE(told.size() == 1);
  CHECK(told[0].first == MasterRequestType::too_many);
  // Loads have a rate of their own.
  f.owner.requests.clear();
  f.tell(load_request(1, 7));
  CHECK(f.owner.requests.size() == 1);
}

TEST_CASE("answers of a round leave in one message") {
  Fixture f;
  f.port.signature(1, "one");
  f.port.refused(2, "because");
  const std::string keys[] = {std::string(keyholder_protocol::kTicketKeySize, 'k')};
  f.port.ticket_keys({keys[0]});
  CHECK(hear(f.ends.ours).empty());
  CHECK(run_until(f.loop, [&] { return true; }));
  const std::vector<Answer> answers = parse_answers(hear(f.ends.ours));
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].text == "one");
  CHECK(answers[1].text == "because");
  CHECK(answers[2].keys == std::vector<std::string>{keys[0]});
}

TEST_CASE("who does not read is not read, and gets all of it later") {
  Fixture f;
  const std::string text(30'000, 't');
  for (uint64_t id = 1; id <= 100; ++id)
    f.port.refused(id, text);  // 3 MB: more than a channel holds
  CHECK(run_until(f.loop, [] { return true; }));
  f.tell(good_sign_request());
  CHECK(f.owner.requests.empty());
  const std::vector<Answer> answers = f.answers();
  REQUIRE(answers.size() == 100);
  for (uint64_t id = 1; id <= 100; ++id) CHECK(answers[id - 1].id == id);
  f.run();
  CHECK(f.owner.requests.size() == 1);
}

TEST_CASE("answers that nobody reads are bounded, and counted when they are lost") {
  Fixture f;
  const std::string text(30'000, 't');
  const size_t many = 2 * keyholder_limits::kMaxUnsent / text.size();
  for (uint64_t id = 1; id <= many; ++id) f.port.refused(id, text);
  const Offences told = f.offences();
  REQUIRE(told.size() == 1);
  CHECK(told[0].first == MasterRequestType::unread);
  const size_t bytes = f.answers().size() * text.size();
  CHECK(bytes < keyholder_limits::kMaxUnsent + 512 * 1024);
  CHECK(bytes > keyholder_limits::kMaxUnsent / 2);
}

TEST_CASE("ticket keys come before what has waited for a predecessor") {
  Fixture f;
  const std::string text(30'000, 't');
  for (uint64_t id = 1; id <= 100; ++id) f.port.refused(id, text);
  CHECK(run_until(f.loop, [] { return true; }));
  f.port.ticket_keys({std::string(keyholder_protocol::kTicketKeySize, 'k')});
  const std::vector<Answer> answers = f.answers();
  CHECK(answers.size() < 30);  // what the kernel had taken
  CHECK(answers.back().keys.size() == 1);
}
