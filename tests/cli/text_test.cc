#include "cli/text.h"

#include <doctest/doctest.h>

using namespace dmpm::cli;
using namespace std::string_literals;

TEST_CASE("a JSON string is one, whatever it holds") {
  CHECK(json_string("") == R"("")");
  CHECK(json_string("a \"b\" \\ c") == R"("a \"b\" \\ c")");
  CHECK(json_string("\x01\n\x1b[2J\x7f"s) == R"("\u0001\u000a\u001b[2J\u007f")");
  CHECK(json_string("a\0b"s) == R"("a\u0000b")");
  CHECK(json_string("gr\xc3\xbcn") == "\"gr\xc3\xbcn\"");
  CHECK(json_string("\xff\xc3") == R"("\\xff\\xc3")");
  CHECK(json_string("\xe2\x80\xae") == R"("\\xe2\\x80\\xae")");  // turns the direction of text
}

TEST_CASE("durations") {
  CHECK(duration(0) == "0s");
  CHECK(duration(59'999) == "59s");
  CHECK(duration(185'000) == "3m5s");
  CHECK(duration(7'800'000) == "2h10m");
  CHECK(duration((4 * 24 + 3) * 3'600'000) == "4d3h");
  CHECK(duration(UINT64_MAX).ends_with("h"));
}

TEST_CASE("sizes") {
  CHECK(size(0) == "0");
  CHECK(size(1) == "0K");
  CHECK(size(512 * 1024) == "512K");
  CHECK(size(1024 * 1024 - 1) == "1.0M");
  CHECK(size(3'355'443) == "3.2M");
  CHECK(size(uint64_t{84} << 20) == "84M");
  CHECK(size(uint64_t{3} << 29) == "1.5G");
  CHECK(size(UINT64_MAX) == "16384P");
}

TEST_CASE("processor time, and counts") {
  CHECK(processor_time(0) == "0.00s");
  CHECK(processor_time(1'234) == "1.23s");
  CHECK(processor_time(61'000) == "1m1s");
  CHECK(count(1, "group") == "1 group");
  CHECK(count(0, "group") == "0 groups");
}
