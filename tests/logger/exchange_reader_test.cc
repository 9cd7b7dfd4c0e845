// What a dispatcher says about exchanges, and what else may come in its place.
#include "logger/exchange_reader.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>

#include "tests/logger/exchanges.h"

using namespace dmpm;
using exchange_protocol::MessageHead;
using exchange_protocol::Record;
using exchange_protocol::Text;
using test::MadeExchange;

namespace {

struct Heard {
  size_t whole = 0;
  uint32_t malformed = 0;
  bool broken = false;
  bool operator==(const Heard&) const = default;
};

Heard hear(std::string_view message) {
  ExchangeReader reader(message);
  Heard heard;
  while (const auto exchange = reader.next()) {
    // Every byte that it gives is one of the message.
    for (const std::string_view text : exchange->texts) {
      CHECK(text.size() <= exchange_protocol::kMaxMessage);
      if (text.empty()) continue;
      CHECK(text.data() >= message.data());
      CHECK(text.data() + text.size() <= message.data() + message.size());
    }
    ++heard.whole;
  }
  heard.malformed = reader.malformed();
  heard.broken = reader.broken();
  return heard;
}

// The message with one change of its second record.
template <typename Change>
std::string changed(Change change) {
  MadeExchange second = test::plain_exchange();
  std::string bytes = test::message({test::plain_exchange()});
  std::string tail = test::encode(second);
  Record record;
  std::memcpy(&record, tail.data(), sizeof record);
  change(record);
  std::memcpy(tail.data(), &record, sizeof record);
  MessageHead head;
  head.count = 3;
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes + tail + test::encode(second);
}

}  // namespace

TEST_CASE("records come out as they went in") {
  MadeExchange made = test::plain_exchange();
  made.texts[Text::error_id] = "abc";
  const std::string bytes = test::message({test::plain_exchange(), made}, 5);
  ExchangeReader reader(bytes);
  CHECK(reader.dropped() == 5);
  CHECK(reader.next()->texts[Text::error_id].empty());
  const auto second = reader.next();
  REQUIRE(second);
  CHECK(second->texts[Text::error_id] == "abc");
  CHECK(second->texts[Text::target] == "/a?b");
  CHECK(second->record.total == 1034);
  CHECK_FALSE(reader.next());
  CHECK(reader.malformed() == 0);
}

TEST_CASE("what does not add up is counted and ends its message only") {
  CHECK(hear(changed([](Record&) {})) == Heard{3, 0, false});
  CHECK(hear(changed([](Record& r) { ++r.size; })) == Heard{1, 2, false});
  CHECK(hear(changed([](Record& r) { r.size = 0; })) == Heard{1, 2, false});
  CHECK(hear(changed([](Record& r) { r.size = 0xffffffff; })) == Heard{1, 2, false});
  CHECK(hear(changed([](Record& r) { r.text_size[0] = 0xffff; })) == Heard{1, 2, false});
  CHECK(hear(changed([](Record& r) {
          r.text_size[Text::method] = 65;  // more than is told of a method
          r.size += 62;
        })) == Heard{1, 2, false});
  CHECK(hear(changed([](Record& r) {
          r.protocol = static_cast<exchange_protocol::Protocol>(9);
        })) == Heard{1, 2, false});
  CHECK(hear(changed([](Record& r) { r.outcome = static_cast<exchange_protocol::Outcome>(9); })) ==
        Heard{1, 2, false});
  CHECK(hear("") == Heard{0, 0, true});
  CHECK(hear("short") == Heard{0, 0, true});
  CHECK(hear(test::message({})) == Heard{0, 0, true});
  std::string many = test::message({test::plain_exchange()});
  std::memset(many.data(), 0xff, sizeof(uint32_t));
  CHECK(hear(many) == Heard{0, 0, true});
  for (size_t size = 0; size < many.size(); ++size) {
    CHECK(hear(test::message({test::plain_exchange()}).substr(0, size)).whole == 0);
  }
}

TEST_CASE("random bytes, and random changes of good ones") {
  std::mt19937 random(20'261'125);
  const std::string good = test::message({test::plain_exchange(), test::plain_exchange()});
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    if (i % 4 == 0) bytes.resize(random() % 400);
    for (size_t changes = i % 4 == 0 ? bytes.size() : 1 + random() % 8; changes > 0; --changes) {
      if (!bytes.empty()) bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    hear(bytes);
  }
}
