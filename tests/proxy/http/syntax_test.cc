#include "proxy/http/syntax.h"

#include <doctest/doctest.h>

#include <string>

using namespace dmpm::http;
using namespace std::string_literals;
using namespace std::string_view_literals;

TEST_CASE("tokens") {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool expected =
        letter || (c != 0 && "!#$%&'*+-.^_`|~"sv.find(byte) != std::string_view::npos);
    CAPTURE(c);
    CHECK(is_token({&byte, 1}) == expected);
    CHECK(is_token(std::string("a") + byte + "b") == expected);
  }
  CHECK_FALSE(is_token(""));
}

TEST_CASE("field values") {
  for (int c = 0; c < 256; ++c) {
    CAPTURE(c);
    // In a long value too: the loop over it is made of vector instructions.
    const std::string value = std::string(100, 'a') + static_cast<char>(c) + std::string(100, 'b');
    CHECK(is_field_value(value) == ((c >= 0x20 && c != 0x7f) || c == '\t'));
  }
  CHECK(is_field_value(""));
}

TEST_CASE("request targets") {
  for (int c = 0; c < 256; ++c) {
    CAPTURE(c);
    const std::string target = "/" + std::string(50, 'a') + static_cast<char>(c) + "b";
    CHECK(is_request_target(target) == (c > 0x20 && c < 0x7f && c != '#'));
  }
  for (const std::string_view good : {"/"sv, "*"sv, "//"sv, "/a?b=c&d"sv, "/%00"sv, "/?"sv}) {
    CAPTURE(good);
    CHECK(is_request_target(good));
  }
  for (const std::string_view bad : {""sv, "a"sv, "**"sv, "http://a/"sv, "/\0"sv, "?"sv}) {
    CAPTURE(bad);
    CHECK_FALSE(is_request_target(bad));
  }
}

TEST_CASE("authorities") {
  struct Case {
    std::string text;
    const char* host;  // null: not valid
  };
  const std::string longest(255, 'a');
  const Case cases[] = {
      {"a.test", "a.test"},
      {"A.Test:443", "A.Test"},
      {"a.test:", "a.test"},
      {"a.test:0", "a.test"},
      {"a.test:65535", "a.test"},
      {"a.test:65536", nullptr},
      {"a.test:000080", nullptr},
      {"a.test:+80", nullptr},
      {"a.test:8 0", nullptr},
      {"a.test:80:80", nullptr},
      {"a.test.", "a.test."},
      {"a_b-c.test", "a_b-c.test"},
      {"127.0.0.1:80", "127.0.0.1"},
      {"[::1]", "[::1]"},
      {"[::1]:80", "[::1]"},
      {"[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"},
      {"[::1", nullptr},
      {"[]", nullptr},
      {"[a]", nullptr},
      {"[::1%eth0]", nullptr},
      {"[v1.a]", nullptr},
      {"[::1]80", nullptr},
      {"[::1]:", "[::1]"},
      {"::1", nullptr},
      {"", nullptr},
      {":80", nullptr},
      {".test", nullptr},
      {"a..test", nullptr},
      {"user@a.test", nullptr},
      {"a.test,b.test", nullptr},
      {"a.test/", nullptr},
      {"a%2etest", nullptr},
      {"a test", nullptr},
      {"a.test\t", nullptr},
      {"\xc3\xa4.test", nullptr},
      {std::string("a\0b", 3), nullptr},
      {"[::1\0]"s, nullptr},
      {longest, longest.c_str()},
      {longest + "a", nullptr},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const Authority authority = parse_authority(one.text);
    CHECK(authority.valid == (one.host != nullptr));
    if (one.host != nullptr) CHECK(authority.host == one.host);
  }
}

TEST_CASE("hosts are looked up in lower case without a trailing dot") {
  std::string out = "what was there before and is longer";
  normalize_host("WWW.A.Test.", out);
  CHECK(out == "www.a.test");
  normalize_host("a", out);
  CHECK(out == "a");
  normalize_host("", out);
  CHECK(out.empty());
  normalize_host("[0:0::00A1]", out);
  CHECK(out == "[::a1]");
}
