// Names of virtual hosts that are taken, and as what. (Those that are not:
// malformed_virtual_hosts.)
#include "config/host_name.h"

#include <doctest/doctest.h>

namespace dmpm::config {
namespace {

TEST_CASE("host names are brought to one form") {
  const std::pair<const char*, const char*> cases[] = {
      {"a.test", "a.test"},
      {"A.Test.", "a.test"},
      {"*.A.test", "*.a.test"},
      {"localhost", "localhost"},
      {"_acme.x-1.test", "_acme.x-1.test"},
      {"1a.2b", "1a.2b"},
      {"xn--4ca.test", "xn--4ca.test"},
      {"127.0.0.1", "127.0.0.1"},
      {"[::1]", "[::1]"},
      {"[2001:DB8:0:0::1]", "[2001:db8::1]"},
  };
  for (const auto& entry : cases) {
    const auto& text = entry.first;
    const auto& name = entry.second;
    CAPTURE(text);
    auto got = parse_host_name(text);
    REQUIRE(got.ok());
    CHECK(got.value() == name);
  }
  CHECK(parse_host_name(std::string(63, 'a') + ".test").ok());
  const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                              std::string(63, 'c') + "." + std::string(61, 'd');
  CHECK(longest.size() == 253);
  CHECK(parse_host_name(longest).ok());
  CHECK(parse_host_name(longest + ".").ok());
  CHECK_FALSE(parse_host_name(longest + "d").ok());
}

TEST_CASE("what is no host name") {
  for (const char* text :
       {"",           ".",    "..",     "*",         "*.",  ".a",   "a.-",   "a..",
        "**.a",       "*a.b", "a.*",    "a/b",       "a@b", "1",    "1.2.3", "0x7f.1",
        "127.0.0.1.", "[::1", "[::1]x", "[1.2.3.4]", "[]",  "a\tb", "a.0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_host_name(text).ok());
  }
}

}  // namespace
}  // namespace dmpm::config
