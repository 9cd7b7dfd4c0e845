#include "metrics/segments.h"

#include "tests/metrics/shared.h"

using namespace dmpm::metrics;
using namespace dmpm::metrics::test;

TEST_CASE("a row is found once it was given") {
  const House house;
  Segments segments = house.segments();
  RowBook book(house.first.written->groups);
  segments.refresh();
  CHECK(segments.find_group(0, key_of("alice")) == nullptr);
  book.of("alice").request_bytes.add(5);
  segments.refresh();
  REQUIRE(segments.find_group(0, key_of("alice")) != nullptr);
  CHECK(segments.find_group(0, key_of("alice"))->request_bytes.get() == 5);
  CHECK(segments.find_group(1, key_of("alice")) == nullptr);
}

TEST_CASE("only dispatchers that were ever started are looked at") {
  House house;
  Segments segments = house.segments();
  segments.refresh();
  CHECK(segments.dispatchers().size() == 1);
  house.start_second();
  house.master.written->services[0].pid.set(0);
  segments.refresh();
  REQUIRE(segments.dispatchers().size() == 2);
  CHECK_FALSE(segments.dispatchers()[0].up);
  CHECK(segments.dispatchers()[1].up);
}

TEST_CASE("numbers that nobody honest writes are survived") {
  const House house;
  Segments segments = house.segments();
  RowBook book(house.first.written->groups);
  book.of("alice");
  house.first.written->groups.used.set(UINT64_MAX);
  segments.refresh();
  CHECK(segments.find_group(0, key_of("alice")) != nullptr);
  // A row that is suddenly another's is nobody's.
  house.first.written->groups.rows[1].key.set(key_of("bob"));
  segments.refresh();
  CHECK(segments.find_group(0, key_of("alice")) == nullptr);
  CHECK(segments.find_group(0, key_of("bob")) == nullptr);
}

TEST_CASE("who may only read cannot write") {
  const Shared<MasterSegment> shared;
  const Mapping<const MasterSegment> read = shared.read();
  shared.written->pid.set(7);
  CHECK(read->pid.get() == 7);
  static_assert(std::is_const_v<std::remove_reference_t<decltype(*read)>>);
}
