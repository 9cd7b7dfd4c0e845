#include "base/buffer.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using dmpm::Buffer;

TEST_CASE("an empty buffer owns no memory and may be looked at") {
  Buffer buffer;
  CHECK(buffer.empty());
  CHECK(buffer.view().empty());
  buffer.append({});
  CHECK(buffer.view().data() == nullptr);
  buffer.append("abc");
  buffer.consume(3);
  CHECK(buffer.empty());
  CHECK(buffer.view().data() == nullptr);
}

TEST_CASE("prepare and commit") {
  Buffer buffer;
  const auto space = buffer.prepare(5);
  REQUIRE(space.size() >= 5);
  std::string("hello").copy(space.data(), 5);
  buffer.commit(3);
  CHECK(buffer.view() == "hel");
  buffer.append("p");
  CHECK(buffer.view() == "help");
  buffer.clear();
  CHECK(buffer.empty());
}

TEST_CASE("a moved-from buffer can be used again when it is assigned") {
  Buffer buffer;
  buffer.append("abc");
  const Buffer other = std::move(buffer);
  buffer = Buffer();
  buffer.append("d");
  CHECK(other.view() == "abc");
  CHECK(buffer.view() == "d");
}

TEST_CASE("behaves as a string from which the front is taken") {
  std::mt19937 random(20);
  Buffer buffer;
  std::string model;
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 2 == 0) {
      const std::string piece(random() % 700, static_cast<char>('a' + i % 26));
      if (random() % 2 == 0) {
        buffer.append(piece);
      } else {
        piece.copy(buffer.prepare(piece.size() + random() % 100).data(), piece.size());
        buffer.commit(piece.size());
      }
      model += piece;
    } else {
      const size_t size = random() % (model.size() + 1);
      buffer.consume(size);
      model.erase(0, size);
    }
    REQUIRE(buffer.view() == model);
  }
}
