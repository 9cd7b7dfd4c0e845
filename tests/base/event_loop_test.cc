// EventLoop: rounds and priorities.
#include "base/event_loop.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"

using namespace dmpm;

namespace {

using Story = std::vector<std::string>;

struct Task final : Deferred {
  Task(Story& all, std::string own) : story(all), name(std::move(own)) {}
  void run_deferred() override { story.push_back(name); }
  Story& story;
  std::string name;
};

// A descriptor that is readable from the start, and what is done when that is seen.
struct Source final : IoHandler {
  Source(EventLoop& event_loop, Story& all, std::string own, Priority wanted)
      : loop(event_loop),
        task(all, own + " end"),
        story(all),
        name(std::move(own)),
        priority(wanted) {
    watcher.set_priority(wanted);
    watcher.watch_read(true);
  }
  void on_readable() override {
    story.push_back(name);
    loop.defer(task, priority);
    if (--left == 0) watcher.watch_read(false);
  }
  void on_writable() override {}
  EventLoop& loop;
  Task task;
  Story& story;
  std::string name;
  Priority priority;
  Fd fd{::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)};
  IoWatcher watcher{loop, fd.get(), *this};
  int left = 1;
};

}  // namespace

TEST_CASE("a task that is deferred runs once, behind the round's events") {
  EventLoop loop;
  Story story;
  Source one(loop, story, "a", Priority::foreground), two(loop, story, "b", Priority::foreground);
  loop.defer(one.task);
  loop.defer(one.task);
  while (loop.run_ready()) {
  }
  CHECK_FALSE(loop.run_ready());
  CHECK(story.front() == "a end");  // deferred before there was an event
  CHECK(story.size() == 5);
  CHECK(story.back().ends_with(" end"));
}

TEST_CASE("the foreground and its round's end come before the background") {
  EventLoop loop;
  Story story;
  Source slow(loop, story, "slow", Priority::background);
  Source quick(loop, story, "quick", Priority::foreground);
  while (loop.run_ready()) {
  }
  CHECK(story == Story{"quick", "quick end", "slow", "slow end"});
}

TEST_CASE("a background round is left for what has become ready in the foreground") {
  EventLoop loop;
  Story story;
  Source quick(loop, story, "quick", Priority::foreground);
  quick.watcher.watch_read(false);
  // Is served first, in the background: then something becomes ready in the foreground.
  struct Trigger final : IoHandler {
    void on_readable() override {
      quick->watcher.watch_read(true);
      watcher->watch_read(false);
    }
    void on_writable() override {}
    Source* quick = nullptr;
    IoWatcher* watcher = nullptr;
  } trigger;
  const Fd fd(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  IoWatcher watcher(loop, fd.get(), trigger);
  trigger.quick = &quick;
  trigger.watcher = &watcher;
  watcher.set_priority(Priority::background);
  watcher.watch_read(true);
  std::vector<std::unique_ptr<Source>> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back(std::make_unique<Source>(loop, story, "slow", Priority::background));
  }
  while (loop.run_ready()) {
  }
  size_t at = 0;
  while (story[at] != "quick") ++at;
  CHECK(at < 200);
  CHECK(story[at + 1] == "quick end");
  CHECK(story.size() == 402);
}

TEST_CASE("a background round is left in time, however few handlers it has") {
  using std::chrono::microseconds;
  // The background's moment is longer while nobody has been seen in the foreground.
  bool seen = false;
  microseconds time{500};
  SUBCASE("quiet") {}
  SUBCASE("hurried") {
    seen = true;
    time = microseconds(60);
  }
  EventLoop loop;
  Story story;
  CHECK_FALSE(loop.hurried());
  if (seen) {
    Source first(loop, story, "first", Priority::foreground);
    while (loop.run_ready()) {
    }
    CHECK(loop.hurried());
    story.clear();
  }
  Source quick(loop, story, "quick", Priority::foreground);
  quick.watcher.watch_read(false);
  // Each takes more than the background's moment; the first makes the foreground ready.
  struct Slow final : IoHandler {
    Slow(EventLoop& loop, Story& all, Source& other, microseconds duration)
        : story(all), quick(other), time(duration), watcher(loop, fd.get(), *this) {
      watcher.set_priority(Priority::background);
      watcher.watch_read(true);
    }
    void on_readable() override {
      const auto start = std::chrono::steady_clock::now();
      while (std::chrono::steady_clock::now() - start < time) {
      }
      if (story.empty()) quick.watcher.watch_read(true);
      story.emplace_back("slow");
      watcher.watch_read(false);
    }
    void on_writable() override {}
    Story& story;
    Source& quick;
    const microseconds time;
    Fd fd{::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)};
    IoWatcher watcher;
  };
  std::vector<std::unique_ptr<Slow>> many;
  for (int i = 0; i < 10; ++i) many.push_back(std::make_unique<Slow>(loop, story, quick, time));
  while (loop.run_ready()) {
  }
  REQUIRE(story.size() == 12);
  CHECK(story[0] == "slow");
  CHECK(story[1] == "quick");
  CHECK(story[2] == "quick end");
}

TEST_CASE("a handler can be called again without an event, and be destroyed before") {
  EventLoop loop;
  Story story;
  auto one = std::make_unique<Source>(loop, story, "a", Priority::background);
  one->watcher.watch_read(false);
  one->left = 2;
  one->watcher.call_again();
  one->watcher.watch_read(true);
  one->watcher.watch_read(false);  // does not take back that it is called
  CHECK(loop.run_ready());
  CHECK(story == Story{"a", "a end"});
  one->watcher.call_again();
  one.reset();
  CHECK_FALSE(loop.run_ready());
  CHECK(story.size() == 2);
}

TEST_CASE("stop() ends the loop after this round's tasks") {
  EventLoop loop;
  Story story;
  struct Stopper final : Deferred {
    explicit Stopper(EventLoop& event_loop) : loop(event_loop) {}
    void run_deferred() override { loop.stop(); }
    EventLoop& loop;
  } stopper(loop);
  Source one(loop, story, "a", Priority::foreground);
  one.left = 1'000'000;  // there would always be something to do
  loop.defer(stopper, Priority::background);
  Source two(loop, story, "b", Priority::foreground);
  two.left = 3;
  one.left = 3;
  loop.run();
  CHECK(story.back().ends_with(" end"));
}
