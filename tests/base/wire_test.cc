#include "base/wire.h"

#include <doctest/doctest.h>

using dmpm::WireReader;
using dmpm::WireWriter;

TEST_CASE("what was written is read") {
  const std::string bytes =
      WireWriter().u32(7).u64(1ULL << 40).string("").string(std::string("a\0b", 3)).take();
  WireReader reader(bytes);
  CHECK(reader.u32() == 7);
  CHECK(reader.u64() == 1ULL << 40);
  CHECK(reader.string().empty());
  CHECK_FALSE(reader.at_end());
  CHECK(reader.string() == std::string_view("a\0b", 3));
  CHECK(reader.complete());
}

TEST_CASE("every message that was cut is noticed") {
  const std::string bytes = WireWriter().u32(1).string("text").u64(2).take();
  for (size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    WireReader reader(std::string_view(bytes).substr(0, size));
    reader.u32();
    reader.string();
    reader.u64();
    CHECK_FALSE(reader.ok());
    CHECK_FALSE(reader.complete());
  }
}

TEST_CASE("a length that lies yields nothing, for good") {
  const std::string bytes = WireWriter().u32(0xffffffff).u32(5).take();
  WireReader reader(bytes);
  CHECK(reader.string().empty());
  CHECK_FALSE(reader.ok());
  CHECK(reader.u32() == 0);
  CHECK(reader.string().empty());
  CHECK_FALSE(reader.complete());
}

TEST_CASE("what is left over is noticed") {
  const std::string bytes = WireWriter().u32(1).u32(2).take();
  WireReader reader(bytes);
  reader.u32();
  CHECK(reader.ok());
  CHECK_FALSE(reader.complete());
}
