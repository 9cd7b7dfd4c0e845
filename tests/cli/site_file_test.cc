#include "cli/site_file.h"

#include <doctest/doctest.h>

#include "cli/sites.h"
#include "tests/cli/fixture.h"

using namespace dmpm;
using namespace dmpm::cli;
using namespace dmpm::cli::test;

namespace {

// The main file of tests/config, which includes site.json.
config::LoadOutcome load(const Directory& directory, const Site& site) {
  config::test::write_certificate(directory);
  directory.write("main.json",
                  config::test::replaced(config::test::kGood, "[]", "[\"@DIR@/site.json\"]"));
  directory.write("site.json", site_file(site));
  return config::Loader(directory.file("main.json")).load();
}

}  // namespace

TEST_CASE("a site file says what was asked for") {
  const Directory directory;
  // Text that would end a string, or the file.
  const std::string root = "/srv/gr\xc3\xbcn, \\x22} ] \\";
  const auto outcome = load(directory, {"bob",
                                        "man",
                                        "php",
                                        "/srv/b b",
                                        {"b.test", "*.b.test"},
                                        directory.file("a.crt"),
                                        directory.file("a.key")});
  CHECK(config::test::lines(outcome.problems, directory) == std::vector<std::string>{});
  REQUIRE(outcome.configuration);
  const Sites sites(*outcome.configuration);
  const config::Group* group = sites.group("bob");
  REQUIRE(group != nullptr);
  CHECK(group->permissions.identity.user == "man");
  CHECK(group->worker.adapter ==
        std::vector<std::string>{"preset", "php", "document_root=/srv/b b"});
  const config::VirtualHost& host = *sites.hosts().back();
  CHECK(host.names == std::vector<std::string>{"b.test", "*.b.test"});
  CHECK(host.group == "bob");
  REQUIRE(host.tls);
  CHECK(host.tls->certificate_path == directory.file("a.crt"));
  CHECK(host.tls->key_path == directory.file("a.key"));

  // A document root that no server's configuration should be given is the loader's to refuse: it is
  // one string to it.
  const auto odd = load(directory, {"bob", "man", "static", root, {"b.test"}, "", ""});
  REQUIRE(odd.problems.size() == 1);
  CHECK(odd.problems[0].message.starts_with("\"document_root\" must be text without"));
}
