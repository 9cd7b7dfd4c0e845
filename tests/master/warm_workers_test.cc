// The budget and the order of those that stay warm.
#include "master/warm_workers.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "master/limits.h"
#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

bool memory_short = false;

struct Somebody final : Warm {
  explicit Somebody(std::string called, std::string& gone) : name(std::move(called)), out(gone) {}
  void give_way() override { out += name; }
  std::string name;
  std::string& out;
};

struct Room {
  explicit Room(uint64_t budget) {
    memory_short = false;
    warm.set_budget(budget);
  }
  bool keep(Somebody& who, uint64_t memory) { return warm.keep(who, memory); }

  EventLoop loop;
  std::string gone;
  WarmWorkers warm{loop, [] { return memory_short; }};
  Somebody a{"a", gone}, b{"b", gone}, c{"c", gone}, d{"d", gone}, e{"e", gone};
};

TEST_CASE("the longest idle one gives way first") {
  Room room(100);
  CHECK(room.keep(room.a, 25));
  CHECK(room.keep(room.b, 25));
  CHECK(room.keep(room.c, 25));
  CHECK(room.keep(room.d, 25));
  CHECK(room.gone.empty());
  room.warm.remove(room.a);  // is used
  CHECK(room.keep(room.a, 25));
  CHECK(room.gone.empty());
  CHECK(room.keep(room.e, 20));
  CHECK(room.gone == "b");
  CHECK(room.warm.memory() == 95);
  CHECK(room.warm.size() == 4);
}

TEST_CASE("one that is too large for its share does not stay, and drives nobody out") {
  Room room(100);
  CHECK(room.keep(room.a, 25));
  CHECK_FALSE(room.keep(room.b, 26));
  CHECK(room.gone.empty());
  CHECK(room.warm.size() == 1);
}

TEST_CASE("without a budget nobody stays, not even who has nothing") {
  Room room(0);
  CHECK_FALSE(room.keep(room.a, 0));
  room.warm.set_budget(100);
  CHECK(room.keep(room.a, 0));
  CHECK(room.keep(room.b, 10));
  room.warm.set_budget(0);
  CHECK(room.gone == "ab");
  CHECK(room.warm.memory() == 0);
}

TEST_CASE("when memory is short all give way, half at a time, and nobody new stays") {
  Room room(100);
  for (Somebody* who : {&room.a, &room.b, &room.c, &room.d, &room.e}) CHECK(room.keep(*who, 10));
  memory_short = true;
  CHECK_FALSE(room.keep(room.e, 10));
  CHECK(room.warm.size() == 4);
  REQUIRE(run_until(room.loop, [&] { return !room.gone.empty(); }));
  CHECK(room.gone == "ab");
  REQUIRE(run_until(room.loop, [&] { return room.warm.size() == 0; }));
  CHECK(room.gone == "abcd");
  memory_short = false;
  CHECK(room.keep(room.a, 10));
}

}  // namespace
}  // namespace dmpm::master::test
