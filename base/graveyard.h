// Graveyard: where objects go that must not be destroyed inside their own callback. They are
// destroyed at the end of the round.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/event_loop.h"

namespace dmpm {

class Mortal {
 public:
  virtual ~Mortal() = default;
};

class Graveyard final : private Deferred {
 public:
  explicit Graveyard(EventLoop& loop) : loop_(loop) {}

  void bury(std::unique_ptr<Mortal> object) {
    dead_.push_back(std::move(object));
    loop_.defer(*this);
  }
  // Now, and not at the round's end. Not from within anything that is buried.
  void empty() {
    // A destructor may bury more.
    while (!dead_.empty()) {
      const std::vector<std::unique_ptr<Mortal>> dead = std::exchange(dead_, {});
    }
  }

 private:
  void run_deferred() override {
    const std::vector<std::unique_ptr<Mortal>> dead = std::exchange(dead_, {});
  }

  EventLoop& loop_;
  std::vector<std::unique_ptr<Mortal>> dead_;
};

}  // namespace dmpm
