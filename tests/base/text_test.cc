#include "base/text.h"

#include <doctest/doctest.h>

using namespace dmpm;

TEST_CASE("concat") {
  CHECK(concat({}).empty());
  CHECK(concat({"a", "", "bc"}) == "abc");
}

TEST_CASE("decimal numbers") {
  CHECK(parse_decimal("0") == 0);
  CHECK(parse_decimal("007") == 7);
  CHECK(parse_decimal("18446744073709551615") == UINT64_MAX);
  for (const char* text : {"", " ", "-1", "+1", "-0", " 1", "1 ", "1.0", "0x1", "1_0", "1e3",
                           "18446744073709551616", "99999999999999999999", "\xb2", "\xd9\xa5"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_decimal(text));
  }
  CHECK_FALSE(parse_decimal({"1\0", 2}));
}

TEST_CASE("escaped text stays on its line and within its quotes") {
  std::string out = "x";
  append_escaped(out, std::string_view("a \"\\\r\n\0\t\x1b\x7f\x80\xff~", 13));
  CHECK(out == "xa \\x22\\x5c\\x0d\\x0a\\x00\\x09\\x1b\\x7f\\x80\\xff~");
  for (int c = 0; c < 256; ++c) {
    std::string one;
    const char byte = static_cast<char>(c);
    append_escaped(one, {&byte, 1});
    for (const char shown : one) CHECK((shown >= 0x20 && shown < 0x7f));
  }
}

TEST_CASE("plain bytes, wherever the others stand") {
  for (size_t size = 0; size < 20; ++size) {
    CHECK(plain_prefix(std::string(size, 'a')) == size);
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, at % 2 == 0 ? ' ' : '~');
        text[at] = static_cast<char>(byte);
        const bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        CHECK(plain_prefix(text) == (plain ? size : at));
      }
    }
  }
}

TEST_CASE("case is that of ASCII only") {
  CHECK(equals_ignoring_case("Host", "hOST"));
  CHECK(equals_ignoring_case("", ""));
  CHECK_FALSE(equals_ignoring_case("Host", "Hos"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));
  CHECK_FALSE(equals_ignoring_case("@", "`"));
  CHECK_FALSE(equals_ignoring_case("\xc4", "\xe4"));
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    CHECK(to_lower(byte) == (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : byte));
  }
}
