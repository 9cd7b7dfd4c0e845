// Graveyard: when what is buried is destroyed.
#include "base/graveyard.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>

using namespace dmpm;

namespace {

struct Counted final : Mortal {
  explicit Counted(int& count, std::function<void()> last = {})
      : left(count), last_words(std::move(last)) {
    ++left;
  }
  ~Counted() override {
    --left;
    if (last_words) last_words();
  }
  int& left;
  std::function<void()> last_words;
};

}  // namespace

TEST_CASE("what is buried is destroyed after the round, with what it buries itself") {
  EventLoop loop;
  Graveyard graveyard(loop);
  int left = 0;
  graveyard.bury(
      std::make_unique<Counted>(left, [&] { graveyard.bury(std::make_unique<Counted>(left)); }));
  CHECK(left == 1);
  while (loop.run_ready()) {
  }
  CHECK(left == 0);
}

TEST_CASE("few wait for the background, many do not") {
  EventLoop loop;
  Graveyard graveyard(loop);
  int left = 0;
  // Seen by the end of the first foreground round.
  struct Look final : Deferred {
    void run_deferred() override { seen = *left; }
    const int* left = nullptr;
    int seen = -1;
  } look;
  look.left = &left;
  for (const int count : {100, 5'000}) {
    for (int i = 0; i < count; ++i) graveyard.bury(std::make_unique<Counted>(left));
    loop.defer(look);
    while (loop.run_ready()) {
    }
    CHECK(look.seen == (count == 100 ? 100 : 0));
    CHECK(left == 0);
  }
}

TEST_CASE("it can be emptied at once") {
  EventLoop loop;
  Graveyard graveyard(loop);
  int left = 0;
  for (int i = 0; i < 3; ++i) graveyard.bury(std::make_unique<Counted>(left));
  graveyard.empty();
  CHECK(left == 0);
  while (loop.run_ready()) {
  }
}
