#include "proxy/error_ids.h"

#include <doctest/doctest.h>

#include <set>

using dmpm::ErrorIds;

TEST_CASE("error ids are short, legible and not repeated") {
  ErrorIds ids(1);
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = ids.next();
    CHECK(id.size() == 12);
    // Crockford's base 32: neither i, l, o nor u.
    CHECK(id.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz") == std::string::npos);
    seen.insert(id);
  }
  CHECK(seen.size() == 10'000);
}

TEST_CASE("error ids begin elsewhere with another seed") {
  ErrorIds a(1), b(2), c(1);
  const std::string first = a.next();
  CHECK(first != b.next());
  CHECK(first == c.next());
}
