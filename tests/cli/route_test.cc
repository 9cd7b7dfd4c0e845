#include "cli/route.h"

#include <doctest/doctest.h>

#include "tests/cli/fixture.h"

using namespace dmpm;
using namespace dmpm::cli;
using namespace dmpm::cli::test;

namespace {

std::vector<std::string> names(const config::Configuration& configuration, std::string_view host) {
  const Sites sites(configuration);
  std::vector<std::string> found;
  for (const Match& match : matches(sites, host)) found.emplace_back(match.name);
  return found;
}

}  // namespace

TEST_CASE("an exact name, else the longest wildcard") {
  const config::Configuration configuration =
      make_configuration({}, {make_host({"*.test"}), make_host({"a.test", "*.a.test"}),
                              make_host({"*.b.a.test", "x.b.a.test"}), make_host({"192.0.2.1"})});
  using Names = std::vector<std::string>;
  CHECK(names(configuration, "a.test") == Names{"a.test", "*.test"});
  CHECK(names(configuration, "x.a.test") == Names{"*.a.test", "*.test"});
  CHECK(names(configuration, "x.b.a.test") ==
        Names{"x.b.a.test", "*.b.a.test", "*.a.test", "*.test"});
  CHECK(names(configuration, "y.x.b.a.test") == Names{"*.b.a.test", "*.a.test", "*.test"});
  CHECK(names(configuration, "b.a.test") == Names{"*.a.test", "*.test"});
  CHECK(names(configuration, "192.0.2.1") == Names{"192.0.2.1"});
  // A wildcard does not stand for nothing, nor for a part of a label.
  CHECK(names(configuration, "test").empty());
  CHECK(names(configuration, "xa.test") == Names{"*.test"});
  CHECK(names(configuration, "").empty());
}

TEST_CASE("who has no name of ours is shown the first certificate") {
  config::VirtualHost with_tls = make_host({"b.test"}), another = make_host({"c.test"});
  with_tls.tls.emplace();
  another.tls.emplace();
  const config::Configuration none = make_configuration({}, {make_host({"a.test"})});
  CHECK(fallback(Sites(none)) == nullptr);
  const config::Configuration some =
      make_configuration({}, {make_host({"a.test"}), with_tls, another});
  CHECK(fallback(Sites(some))->names == with_tls.names);
}
