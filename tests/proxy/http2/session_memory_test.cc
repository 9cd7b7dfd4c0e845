#include "proxy/http2/session_memory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

using namespace dmpm::http2;

namespace {

struct Fixture {
  SessionSlots slots;
  SessionMemory memory{slots};
  nghttp2_mem functions = memory.functions();
  char* allocate(size_t size) {
    return static_cast<char*>(functions.malloc(size, functions.mem_user_data));
  }
  char* allocate_zeros(size_t size) {
    return static_cast<char*>(functions.calloc(1, size, functions.mem_user_data));
  }
  char* resize(char* block, size_t size) {
    return static_cast<char*>(functions.realloc(block, size, functions.mem_user_data));
  }
  void release(char* block) { functions.free(block, functions.mem_user_data); }
};

bool all_are(const char* bytes, size_t size, char what) {
  return std::all_of(bytes, bytes + size, [what](char byte) { return byte == what; });
}

}  // namespace

TEST_CASE("a resting session's frame and empty table are given back, and can be used again") {
  Fixture f;
  char* table = f.allocate_zeros(SessionSlots::kTable);
  char* frame = f.resize(nullptr, SessionSlots::kFrame);  // as nghttp2 does it
  for (int i = 0; i < 2; ++i) {
    std::fill_n(frame, SessionSlots::kFrame, 'f');
    table[17] = 1;
    f.memory.give_back_pages();
    CHECK(table[17] == 1);  // not empty: it stays
    CHECK(all_are(frame, SessionSlots::kFrame, 0));
    table[17] = 0;
    f.memory.give_back_pages();
    CHECK(all_are(table, SessionSlots::kTable, 0));
  }
  f.release(table);
  f.release(frame);
}

TEST_CASE("other blocks of a session are left alone when it rests") {
  Fixture f;
  char* frame = f.allocate(SessionSlots::kFrame);
  const std::array others{f.allocate(SessionSlots::kFrame), f.allocate(SessionSlots::kFrame - 1),
                          f.allocate(100), f.allocate_zeros(2 * SessionSlots::kTable)};
  for (char* other : others) std::fill_n(other, 100, 'o');
  f.memory.give_back_pages();
  for (char* other : others) {
    CHECK(all_are(other, 100, 'o'));
    f.release(other);
  }
  f.release(frame);
}

TEST_CASE("a block that outgrows its pages takes its content along") {
  Fixture f;
  char* frame = f.allocate(SessionSlots::kFrame);
  std::fill_n(frame, SessionSlots::kFrame, 'f');
  CHECK(f.resize(frame, SessionSlots::kFrame / 2) == frame);
  char* larger = f.resize(frame, 2 * SessionSlots::kFrame);
  REQUIRE(larger != frame);
  CHECK(all_are(larger, SessionSlots::kFrame, 'f'));
  larger = f.resize(larger, 3 * SessionSlots::kFrame);
  CHECK(all_are(larger, SessionSlots::kFrame, 'f'));
  f.release(larger);
}

TEST_CASE("a session finds nothing of the one that had its pages before") {
  SessionSlots slots;
  for (int i = 0; i < 2; ++i) {
    SessionMemory memory(slots);
    const nghttp2_mem functions = memory.functions();
    auto* table = static_cast<char*>(functions.calloc(16, SessionSlots::kTable / 16, &memory));
    CHECK(all_are(table, SessionSlots::kTable, 0));
    std::fill_n(table, SessionSlots::kTable, 't');
    functions.free(table, &memory);
  }
}
