// Tables of malformed configurations: each is the good one with one part replaced.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/config/fixture.h"

namespace dmpm::config::test {

struct Malformed {
  std::string name;
  const char* part;  // of kGood, where it stands once; nullptr: all of it
  const char* replacement;
  std::vector<std::string> problems;  // "line:column: message", in order
};

// Each must give exactly its problems, and no configuration that anything could be started with.
void check_all(const std::vector<Malformed>& cases);

}  // namespace dmpm::config::test
