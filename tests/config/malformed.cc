#include "tests/config/malformed.h"

namespace dmpm::config::test {
namespace {

std::string text_of(const Malformed& malformed) {
  if (malformed.part == nullptr) return malformed.replacement;
  const std::string good = kGood;
  const size_t at = good.find(malformed.part);
  REQUIRE(at != std::string::npos);
  REQUIRE(good.find(malformed.part, at + 1) == std::string::npos);
  return std::string(good).replace(at, std::string_view(malformed.part).size(),
                                   malformed.replacement);
}

}  // namespace

void check_all(const std::vector<Malformed>& cases) {
  const TemporaryDirectory directory;
  write_certificate(directory);
  Loader loader(directory.file("main.json"));
  for (const Malformed& malformed : cases) {
    CAPTURE(malformed.name);
    directory.write("main.json", text_of(malformed));
    const LoadOutcome outcome = loader.load();
    CHECK_FALSE(outcome.configuration.has_value());
    std::vector<std::string> expected;
    for (const std::string& problem : malformed.problems) {
      expected.push_back("@DIR@/main.json:" + problem);
    }
    CHECK(lines(outcome.problems, directory) == expected);
  }
  // What was wrong leaves no trace.
  directory.write("main.json", kGood);
  const LoadOutcome outcome = loader.load();
  CHECK(lines(outcome.problems, directory) == std::vector<std::string>{});
  CHECK(outcome.configuration.has_value());
}

}  // namespace dmpm::config::test
