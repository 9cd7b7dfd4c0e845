// The lexical pass: comments become spaces without moving anything.
#include "config/json_text.h"

#include <doctest/doctest.h>

namespace dmpm::config {
namespace {

TEST_CASE("comments become spaces") {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"{}", "{}"},
      {"// x", "    "},
      {"//\n{}", "  \n{}"},
      {"/**/{}", "    {}"},
      {"/* \n */1", "   \n   1"},
      {"\"//\" // \"", "\"//\"     "},
      {"\"\\\"/*\"/*\"*/", "\"\\\"/*\"     "},
      {"\"\\\\\"//", "\"\\\\\"  "},
      {"/*/ */1", "      1"},
      {"\xef\xbb\xbf{}", "   {}"},
  };
  for (const auto& entry : cases) {
    const auto& before = entry.first;
    const auto& after = entry.second;
    CAPTURE(before);
    std::string text = before;
    CHECK_FALSE(prepare_json(text, 9).has_value());
    CHECK(text == after);
  }
}

TEST_CASE("lexical problems and where they are") {
  const std::pair<std::string, size_t> cases[] = {
      {"\"", 0},       {"{\"a", 1},      {"\"\\", 0},     {"\"\\\"", 0},
      {"\"a\nb\"", 0}, {"\"a\tb\"", 2},  {"\"\\\n\"", 0}, {"/", 0},
      {" /x", 1},      {"/*", 0},        {"/*/", 0},      {std::string("{\0}", 3), 1},
      {"[[[", 2},      {"{\"a\":[{", 6}, {"\x01", 0},
  };
  for (const auto& entry : cases) {
    const auto& before = entry.first;
    const auto& offset = entry.second;
    CAPTURE(before);
    std::string text = before;
    const auto problem = prepare_json(text, 2);
    REQUIRE(problem.has_value());
    CHECK(problem->offset == offset);
  }
}

}  // namespace
}  // namespace dmpm::config
