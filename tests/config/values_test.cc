// The small values.
#include "config/values.h"

#include <doctest/doctest.h>

#include <string>

namespace dmpm::config {
namespace {

TEST_CASE("durations") {
  const std::pair<const char*, int64_t> good[] = {
      {"1ms", 1},        {"500ms", 500},    {"60s", 60'000},        {"2m", 120'000},
      {"1h", 3'600'000}, {"0060s", 60'000}, {"720h", 2'592'000'000}};
  for (const auto& entry : good) {
    const auto& text = entry.first;
    const auto& value = entry.second;
    CAPTURE(text);
    CHECK(parse_duration(text) == Milliseconds(value));
  }
  for (const char* text : {"", "s", "60", "0s", "-1s", "+1s", "1.5s", " 1s", "1 s", "1S", "1d",
                           "721h", "99999999999999999999s", "18446744073709551615h"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("sizes") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("512M") == uint64_t{512} << 20);
  CHECK(parse_size("1K") == 1024);
  CHECK(parse_size("2G") == uint64_t{2} << 30);
  CHECK(parse_size("1T") == uint64_t{1} << 40);
  for (const char* text : {"", "M", "1k", "1MB", "-1", "8388608T", "1.5G"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
}

TEST_CASE("umask") {
  CHECK(parse_umask("027") == mode_t{027});
  CHECK(parse_umask("777") == mode_t{0777});
  for (const char* text : {"", "27", "0027", "028", "abc"}) CHECK_FALSE(parse_umask(text));
}

TEST_CASE("names and paths") {
  for (const char* name : {"a", "A-b_c.d", "-x", "_", "9"}) CHECK(is_group_name(name));
  CHECK(is_group_name(std::string(64, 'a')));
  for (const char* name : {"", ".", ".a", "a/b", "a b", "\xc3\xa4"})
    CHECK_FALSE(is_group_name(name));
  CHECK_FALSE(is_group_name(std::string(65, 'a')));
  CHECK(is_absolute_path("/"));
  CHECK(is_absolute_path("/\xc3\xa4 b"));
  CHECK(is_absolute_path("/" + std::string(4094, 'a')));
  CHECK_FALSE(is_absolute_path("/" + std::string(4095, 'a')));
  for (const char* path : {"", "a", "./a", "/a\nb", "/\x7f"}) CHECK_FALSE(is_absolute_path(path));
  for (const char* name : {"A", "_a9", "path"}) CHECK(is_environment_name(name));
  for (const char* name : {"", "9A", "A=B", "A-B", "A "}) CHECK_FALSE(is_environment_name(name));
}

}  // namespace
}  // namespace dmpm::config
