// KeyStore with an owner that takes notes: who waits, who is asked, what is forgotten.
#include "keyholder/key_store.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "keyholder/limits.h"
#include "tests/keyholder/fixture.h"

using namespace dmpm;
using namespace dmpm::keyholder;
using namespace dmpm::test;
using keyholder_protocol::Verdict;

namespace {

struct Notes final : KeyStoreOwner {
  void want_key(uint32_t certificate) override { wanted.push_back(certificate); }
  void report(uint32_t certificate, uint32_t index, Verdict verdict) override {
    reports.push_back({certificate, index, verdict});
  }
  void serve(const Request& request, const Pairs& pairs) override {
    served.push_back(request.id);
    last.clear();
    for (const auto& pair : pairs) last.push_back(pair->fingerprint());
  }
  void refuse(const Request& request, std::string_view reason) override {
    refused.push_back(request.id);
    last_reason = reason;
  }
  std::vector<uint32_t> take_wanted() { return std::exchange(wanted, {}); }

  struct Report {
    uint32_t certificate, index;
    Verdict verdict;
  };
  std::vector<uint32_t> wanted;
  std::vector<Report> reports;
  std::vector<uint64_t> served, refused;
  std::vector<Fingerprint> last;
  std::string last_reason;
};

struct Fixture {
  void ask(uint32_t certificate, uint64_t id = 0, bool sign = false) {
    Request request;
    request.id = id;
    request.certificate = certificate;
    request.sign = sign;
    store.handle(std::move(request));
  }
  void answer(uint32_t certificate, const PemPair& pem, uint32_t count = 1, uint32_t index = 0) {
    store.on_key(certificate, count, index, pem.chain, pem.key);
  }
  Fingerprint fingerprint(const PemPair& pem) {
    return parse_pair(pem.chain, pem.key, std::time(nullptr)).pair->fingerprint();
  }
  EventLoop loop;
  Notes notes;
  KeyStore store{loop, notes};
  const PemPair first = make_pair(make_ec_key().get());
  const PemPair second = make_pair(make_ec_key().get());
};

using Numbers = std::vector<uint32_t>;
using Ids = std::vector<uint64_t>;

}  // namespace

TEST_CASE("a certificate is asked for once, and all who wait are served") {
  Fixture f;
  for (uint64_t id = 1; id <= 3; ++id) f.ask(7, id);
  CHECK(f.notes.take_wanted() == Numbers{7});
  CHECK(f.notes.served.empty());
  f.answer(7, f.first);
  CHECK(f.notes.served == Ids{1, 2, 3});
  CHECK(f.notes.reports.size() == 1);
  CHECK(f.notes.reports[0].verdict == Verdict::good);
  f.ask(7, 4);
  CHECK(f.notes.served.back() == 4);
  CHECK(f.notes.take_wanted().empty());
  CHECK(f.store.loaded() == 1);
}

TEST_CASE("what cannot be loaded is refused with the reason, and read again for the next") {
  Fixture f;
  f.ask(7, 1);
  f.store.on_no_key(7, "no such file");
  CHECK(f.notes.refused == Ids{1});
  CHECK(f.notes.last_reason == "no such file");
  f.ask(7, 2);
  f.answer(7, {f.first.chain, f.second.key});
  CHECK(f.notes.refused == Ids{1, 2});
  CHECK(f.notes.last_reason == describe(Verdict::mismatch));
  f.ask(7, 3);
  CHECK(f.notes.take_wanted() == Numbers{7, 7, 7});
  f.answer(7, f.first);
  CHECK(f.notes.served == Ids{3});
}

TEST_CASE("two pairs of one certificate") {
  const PemPair rsa = make_pair(make_rsa_key().get());
  SUBCASE("both are good") {
    Fixture f;
    f.ask(7, 1);
    f.answer(7, f.first, 2, 0);
    CHECK(f.notes.served.empty());
    f.answer(7, rsa, 2, 1);
    CHECK(f.notes.last == std::vector{f.fingerprint(f.first), f.fingerprint(rsa)});
  }
  SUBCASE("one is not: the other serves") {
    for (const bool first_is_bad : {true, false}) {
      Fixture f;
      const PemPair bad{f.first.chain, ""};
      f.ask(7, 1);
      f.answer(7, first_is_bad ? bad : rsa, 2, 0);
      f.answer(7, first_is_bad ? rsa : bad, 2, 1);
      CHECK(f.notes.last == std::vector{f.fingerprint(rsa)});
      REQUIRE(f.notes.reports.size() == 2);
      CHECK(f.notes.reports[first_is_bad ? 0 : 1].verdict == Verdict::no_key);
      CHECK(f.notes.reports[first_is_bad ? 0 : 1].index == (first_is_bad ? 0 : 1));
      CHECK(f.notes.reports[first_is_bad ? 1 : 0].verdict == Verdict::good);
    }
  }
  SUBCASE("both have the same type") {
    Fixture f;
    f.ask(7, 1);
    f.answer(7, f.first, 2, 0);
    f.answer(7, f.second, 2, 1);
    CHECK(f.notes.last == std::vector{f.fingerprint(f.first)});
    CHECK(f.notes.reports.back().verdict == Verdict::same_type);
  }
}

TEST_CASE("a certificate renewed while it is asked for is asked for again") {
  Fixture f;
  f.ask(7, 1);
  f.store.forget(7);
  f.answer(7, f.first);
  CHECK(f.notes.served.empty());
  CHECK(f.notes.take_wanted() == Numbers{7, 7});
  f.answer(7, f.second);
  CHECK(f.notes.served == Ids{1});
  CHECK(f.notes.last == std::vector{f.fingerprint(f.second)});
  // Also when the outdated answer is that there is none.
  f.ask(8, 2);
  f.store.forget(8);
  f.store.on_no_key(8, "in the middle of the renewal");
  CHECK(f.notes.refused.empty());
  f.answer(8, f.first);
  CHECK(f.notes.served == Ids{1, 2});
}

TEST_CASE("a renewed certificate's key is kept for handshakes that had begun") {
  Fixture f;
  f.ask(7);
  f.answer(7, f.first);
  f.store.forget(7);
  const Fingerprint old = f.fingerprint(f.first);
  CHECK(f.store.loaded() == 0);
  CHECK(f.store.find_retired(7, old) != nullptr);
  CHECK(f.store.find_retired(8, old) == nullptr);
  CHECK(f.store.find_retired(7, f.fingerprint(f.second)) == nullptr);
}

TEST_CASE("a renewed certificate is asked for at once, and when it is bad the one before goes on") {
  Fixture f;
  f.ask(7, 1);
  f.answer(7, f.first);
  f.notes.wanted.clear();
  f.store.forget(7);
  CHECK(f.notes.take_wanted() == Numbers{7});
  SUBCASE("it is good") {
    f.answer(7, f.second);
    f.ask(7, 2);
    CHECK(f.notes.last == std::vector{f.fingerprint(f.second)});
  }
  SUBCASE("the key is another's, and then not") {
    f.ask(7, 2);
    f.answer(7, {f.second.chain, f.first.key});
    CHECK(f.notes.reports.back().verdict == Verdict::mismatch);
    CHECK(f.notes.last == std::vector{f.fingerprint(f.first)});
    f.store.forget(7);
    f.answer(7, f.second);
    f.ask(7, 3);
    CHECK(f.notes.last == std::vector{f.fingerprint(f.second)});
  }
  SUBCASE("it was removed") {
    f.ask(7, 2);
    f.store.on_no_key(7, "removed");
    CHECK(f.notes.refused == Ids{2});
    CHECK(f.store.loaded() == 0);
  }
  CHECK(f.notes.take_wanted().size() <= 1);
}

TEST_CASE("retired keys are bounded, the oldest go first") {
  Fixture f;
  for (uint32_t i = 1; i <= 3; ++i) {
    f.ask(i);
    f.answer(i, f.first);
    f.store.forget(i);
  }
  const Fingerprint old = f.fingerprint(f.first);
  CHECK(f.store.find_retired(1, old) != nullptr);
  for (size_t i = 0; i < keyholder_limits::kMaxRetired; ++i) {
    f.ask(4);
    f.answer(4, f.first);
    f.store.forget(4);
  }
  CHECK(f.store.find_retired(3, old) == nullptr);
  CHECK(f.store.find_retired(4, old) != nullptr);
}

TEST_CASE("the least recently used certificate is dropped and loaded again") {
  Fixture f;
  const auto most = static_cast<uint32_t>(keyholder_limits::kMaxLoaded);
  for (uint32_t i = 1; i <= most; ++i) {
    f.ask(i);
    f.answer(i, f.first);
  }
  f.ask(1);  // used: so 2 is the oldest
  f.notes.wanted.clear();
  f.ask(most + 1);
  f.answer(most + 1, f.first);
  CHECK(f.store.loaded() == most);
  f.ask(1);
  CHECK(f.notes.take_wanted() == Numbers{most + 1});
  f.ask(2);
  CHECK(f.notes.take_wanted() == Numbers{2});
}

TEST_CASE("only so many questions are with the master at a time") {
  Fixture f;
  for (uint32_t i = 1; i <= 10; ++i) f.ask(i, i);
  CHECK(f.notes.take_wanted().size() == keyholder_limits::kMaxAsked);
  f.answer(1, f.first);
  CHECK(f.notes.take_wanted() == Numbers{4});
  f.store.on_no_key(2, "no");
  CHECK(f.notes.take_wanted() == Numbers{5});
  for (uint32_t i = 3; i <= 10; ++i) f.answer(i, f.first);
  CHECK(f.notes.served.size() == 9);
}

TEST_CASE("questions are put at a rate that the master allows, and none is lost") {
  Fixture f;
  const auto burst = static_cast<uint32_t>(keyholder_limits::kQuestionBurst);
  for (uint32_t i = 1; i <= burst; ++i) {
    f.ask(i);
    f.store.on_no_key(i, "no");
  }
  CHECK(f.notes.take_wanted().size() == burst);
  f.ask(1, 77);
  CHECK(f.notes.wanted.empty());
  CHECK(run_until(f.loop, [&] { return !f.notes.wanted.empty(); }));
  f.answer(1, f.first);
  CHECK(f.notes.served == Ids{77});
}

TEST_CASE("only so many requests wait") {
  Fixture f;
  for (size_t i = 0; i < keyholder_limits::kMaxWaiting; ++i) f.ask(7, i);
  CHECK(f.notes.refused.empty());
  f.ask(7, 1'000'001);
  f.ask(8, 1'000'002);
  CHECK(f.notes.refused == Ids{1'000'001, 1'000'002});
  f.answer(7, f.first);
  CHECK(f.notes.served.size() == keyholder_limits::kMaxWaiting);
  f.ask(8, 1'000'003);
  f.answer(8, f.first);
  CHECK(f.notes.served.back() == 1'000'003);
}

TEST_CASE("answers that nobody waits for change nothing") {
  Fixture f;
  f.answer(7, f.first);
  f.store.on_no_key(7, "no");
  f.store.forget(7);
  CHECK(f.notes.reports.empty());
  f.ask(7, 1);
  f.answer(7, f.first);
  f.answer(7, f.second);
  f.store.on_no_key(7, "no");
  f.ask(7, 2);
  CHECK(f.notes.served == Ids{1, 2});
  CHECK(f.notes.last == std::vector{f.fingerprint(f.first)});
}
