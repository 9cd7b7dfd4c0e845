#include "cli/arguments.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace dmpm::cli;

namespace {

constexpr std::array kKnown{Known{"--config", "FILE", ""}, Known{"--json", "", ""}};

auto parse(std::vector<const char*> arguments, size_t most_words = 0) {
  std::vector<char*> pointers;
  for (const char* argument : arguments) pointers.push_back(const_cast<char*>(argument));
  return parse_options(pointers, kKnown, most_words);
}

}  // namespace

TEST_CASE("options and words, in any order") {
  auto options = parse({"a", "--config", "x", "b", "--json"}, 2);
  REQUIRE(options.ok());
  CHECK(options->has("--json"));
  CHECK(*options->value("--config") == "x");
  CHECK(options->value("--other") == nullptr);
  CHECK(options->value_or("--other", "y") == "y");
  CHECK(options->words() == std::vector<std::string>{"a", "b"});
  CHECK(parse({"--config=-x"})->value_or("--config", "") == "-x");
  CHECK(parse({"--config="})->value_or("--config", "y").empty());
}

TEST_CASE("what is not understood is said, and cannot steer a terminal") {
  CHECK(parse({"a", "b"}, 1).error().message == "unexpected argument \"b\"");
  CHECK(parse({"--\x1b[2J"}).error().message == "unknown option \"--\\x1b[2J\"");
  CHECK(parse({"--json=1"}).error().message == "unknown option \"--json=1\"");
  CHECK(parse({"--config"}).error().message == "the option --config needs a value");
  CHECK(parse({"--json", "--json"}).error().message == "the option --json is given twice");
  CHECK(parse({"-"}, 1).error().message == "unknown option \"-\"");
}
