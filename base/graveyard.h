// Graveyard: where objects go that must not be destroyed inside their own callback.
//
// They are destroyed after the round, in the background: a hundred sockets to be closed at once, as
// when a client's connection breaks, would be a millisecond for which others wait. When many have
// gathered because the background has no time, the round's end takes the time.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "base/event_loop.h"

namespace dmpm {

class Mortal {
 public:
  virtual ~Mortal() = default;
};

class Graveyard {
 public:
  explicit Graveyard(EventLoop& loop) : loop_(loop) {}

  void bury(std::unique_ptr<Mortal> object) {
    dead_.push_back(std::move(object));
    loop_.defer(one_by_one_, Priority::background);
    if (dead_.size() > kMany) loop_.defer(all_);
  }
  // Now, and not when there is time. Not from within anything that is buried.
  void empty() {
    while (!dead_.empty()) destroy_first();  // a destructor may bury more
  }

 private:
  static constexpr size_t kMany = 1024;

  struct OneByOne final : Deferred {
    explicit OneByOne(Graveyard& graveyard) : all(graveyard) {}
    void run_deferred() override {
      if (!all.dead_.empty()) all.destroy_first();
      if (!all.dead_.empty()) all.loop_.defer(*this, Priority::background);
    }
    Graveyard& all;
  };
  struct All final : Deferred {
    explicit All(Graveyard& graveyard) : all(graveyard) {}
    void run_deferred() override { all.empty(); }
    Graveyard& all;
  };

  void destroy_first() {
    const std::unique_ptr<Mortal> first = std::move(dead_.front());
    dead_.pop_front();
  }

  EventLoop& loop_;
  std::deque<std::unique_ptr<Mortal>> dead_;
  OneByOne one_by_one_{*this};
  All all_{*this};
};

}  // namespace dmpm
