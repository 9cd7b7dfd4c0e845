// Included files: each is a unit of failure, and only what changed is read again.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/config/fixture.h"

namespace dmpm::config::test {
namespace {

using Lines = std::vector<std::string>;

// A main file that includes sites.d/*.json, and a loader for it.
class Sites {
 public:
  Sites() {
    write_certificate(directory_);
    write_main(replaced(kGood, "[]", R"(["@DIR@/sites.d/*.json"])"));
  }
  void write_main(const std::string& text) { directory_.write("main.json", text); }
  void write(std::string_view name, std::string_view text, unsigned mode = 0644) {
    directory_.write("sites.d/" + std::string(name), text, mode);
  }
  const TemporaryDirectory& directory() const { return directory_; }

  // Loads once. The problems are those of this load.
  Lines load() {
    LoadOutcome outcome = loader_.load();
    read_ = outcome.site_files_read;
    configuration_.reset();
    if (outcome.configuration) configuration_.emplace(std::move(*outcome.configuration));
    return lines(outcome.problems, directory_);
  }
  // Loads until no stamp is so young that its file is read again to be sure.
  void settle() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    do {
      REQUIRE(load() == Lines{});
      REQUIRE(std::chrono::steady_clock::now() < deadline);
    } while (read_ > 0);
  }
  size_t read() const { return read_; }
  bool has_configuration() const { return configuration_.has_value(); }
  const Flat& configuration() const { return *configuration_; }
  // The first name of every virtual host, in order.
  Lines hosts() const {
    Lines out;
    for (const VirtualHost& host : configuration_->virtual_hosts) out.push_back(host.names.front());
    return out;
  }

 private:
  TemporaryDirectory directory_;
  Loader loader_{directory_.file("main.json")};
  std::optional<Flat> configuration_;
  size_t read_ = 0;
};

TEST_CASE("a site file can be tried before it is there") {
  Sites sites;
  sites.write("b.json", site("bob", "man", "b.test"));
  const TemporaryDirectory& directory = sites.directory();
  directory.write("draft", site("carol", "lp", "b.test"));
  Loader loader(directory.file("main.json"));
  loader.also_include(directory.file("draft"));
  const LoadOutcome outcome = loader.load();
  CHECK(outcome.include == Lines{directory.file("sites.d/*.json")});
  // It comes last, so that it is what is in the way.
  const Lines problems = lines(outcome.problems, directory);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].starts_with("@DIR@/draft:6:"));
  CHECK(problems[0].find("the name \"b.test\" is taken already, at @DIR@/sites.d/b.json:6:") !=
        std::string::npos);
  directory.write("draft", site("carol", "lp", "c.test"));
  CHECK(lines(loader.load().problems, directory) == Lines{});
}

TEST_CASE("site files come after the main file, by name") {
  Sites sites;
  sites.write("b.json", site("bob", "man", "b.test"));
  sites.write("a.json", site("carol", "lp", "c.test"));
  sites.write("readme.txt", "not included");
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "c.test", "b.test"});
  CHECK(sites.configuration().groups.size() == 3);
  CHECK(*sites.configuration().groups.at("bob").location.file ==
        sites.directory().file("sites.d/b.json"));
}

TEST_CASE("a site file may use the main file's groups, and have no group itself") {
  Sites sites;
  sites.write("a.json", R"({ "virtual_hosts": [{ "names": ["b.test"], "group": "alice" }] })");
  sites.write("b.json", "{}");
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "b.test"});
}

TEST_CASE("a site file may not use another one's groups") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", R"({ "virtual_hosts": [{ "names": ["c.test"], "group": "bob" }] })");
  CHECK(sites.load() == Lines{"@DIR@/sites.d/b.json:1:53: there is no group \"bob\" in this file "
                              "or the main one"});
  CHECK(sites.hosts() == Lines{"a.test", "b.test", "c.test"});
  CHECK(sites.configuration().virtual_hosts.back().group.empty());
}

TEST_CASE("patterns") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  const auto include = [&](const char* patterns) {
    sites.write_main(replaced(kGood, "[]", patterns));
    return sites.load();
  };
  CHECK(include(R"(["@DIR@/sites.d/a.json", "@DIR@/sites.d/*", "@DIR@/*/a.json"])") == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "b.test"});
  CHECK(include(R"(["@DIR@/none.d/*.json"])") == Lines{});
  CHECK(sites.hosts() == Lines{"a.test"});
  CHECK(include(R"(["@DIR@/none.json"])") ==
        Lines{"@DIR@/main.json:23:15: the file \"@DIR@/none.json\" to be included does not exist"});
  CHECK_FALSE(sites.has_configuration());
  CHECK(include(R"(["@DIR@/sites.*"])") ==
        Lines{"@DIR@/sites.d: \"@DIR@/sites.d\" is not a regular file"});
  CHECK(sites.hosts() == Lines{"a.test"});
}

TEST_CASE("a wrong site file is left out at first, and all of it is reported") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", R"({
  "listen": [],
  "groups": {
    "carol": { "permissions": { "user": "nosuch" }, "worker": { "command": ["true"] } }
  },
  "virtual_hosts": [
    { "names": ["c.test", "c.test", "a.test"], "group": "dave" }
  ]
})");
  sites.write("c.json", "[");
  sites.write("d.json", "{}", 0666);
  CHECK(sites.load() ==
        Lines{"@DIR@/sites.d/b.json:2:3: unknown key \"listen\" in an included file; expected are "
              "\"groups\" and \"virtual_hosts\"",
              "@DIR@/sites.d/b.json:4:41: there is no user \"nosuch\"",
              "@DIR@/sites.d/b.json:4:77: the program in \"command\" must be an absolute path, not "
              "\"true\"",
              "@DIR@/sites.d/b.json:7:27: the name \"c.test\" is taken already, at "
              "@DIR@/sites.d/b.json:7:17",
              "@DIR@/sites.d/b.json:7:37: the name \"a.test\" is taken already, at "
              "@DIR@/main.json:19:17",
              "@DIR@/sites.d/b.json:7:57: there is no group \"dave\" in this file or the main one",
              "@DIR@/sites.d/c.json:1:2: expected a value here",
              "@DIR@/sites.d/d.json: \"@DIR@/sites.d/d.json\" has mode 0666, so that others than "
              "its owner may write to it; chmod go-w"});
  // What can be read of it, and nobody else has, is answered 503.
  CHECK(sites.hosts() == Lines{"a.test", "b.test", "c.test"});
  CHECK(sites.configuration().virtual_hosts.back().names == Lines{"c.test"});
  CHECK(sites.configuration().virtual_hosts.back().group.empty());
  CHECK_FALSE(sites.configuration().groups.contains("carol"));
}

TEST_CASE("the names of a wrong site file: with their certificates where those can be used") {
  Sites sites;
  const std::string tls = R"("tls": { "certificate": "@DIR@/a.crt", "key": "@DIR@/a.key" })";
  const std::string missing = R"("tls": { "certificate": "@DIR@/b.crt", "key": "@DIR@/a.key" })";
  sites.write("a.json", R"({ "virtual_hosts": [
    { "names": ["c.test", "no name"], "group": "nobody", )" +
                            tls + R"( },
    { "names": ["d.test"], "group": "alice", )" +
                            missing + R"( }] })");
  CHECK(sites.load().size() == 2);  // while "groups" may be what is wrong, no group is missed
  CHECK(sites.hosts() == Lines{"a.test", "c.test", "d.test"});
  const auto& hosts = sites.configuration().virtual_hosts;
  CHECK(hosts[1].tls.has_value());
  CHECK_FALSE(hosts[2].tls.has_value());
  CHECK(hosts[2].group.empty());
  // Right at last, it is served; wrong again, it is served as before.
  const std::string right = R"({ "virtual_hosts": [{ "names": ["c.test"], "group": "alice" }] })";
  sites.write("a.json", right);
  CHECK(sites.load() == Lines{});
  CHECK(sites.configuration().virtual_hosts.back().group == "alice");
  sites.write("a.json", replaced(right, "alice", "nobody"));
  CHECK(sites.load().size() == 1);
  CHECK(sites.configuration().virtual_hosts.back().group == "alice");
}

TEST_CASE("a site file that becomes wrong stays in force as it was") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", site("carol", "lp", "c.test"));
  CHECK(sites.load() == Lines{});
  const Group before = sites.configuration().groups.at("bob");
  sites.write("a.json", replaced(site("bob", "man", "d.test"), "/bin/true", "true"));
  const Lines problem{
      "@DIR@/sites.d/a.json:3:72: the program in \"command\" must be an absolute path, not "
      "\"true\""};
  for (int i = 0; i < 3; ++i) {
    CHECK(sites.load() == problem);  // each time, although the file does not change any more
    CHECK(sites.hosts() == Lines{"a.test", "b.test", "c.test"});
    CHECK(sites.configuration().groups.at("bob") == before);
  }
  sites.write("a.json", site("bob", "man", "d.test"));
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "d.test", "c.test"});
}

TEST_CASE("a wrong main file changes nothing") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  CHECK(sites.load() == Lines{});
  const std::string main = replaced(kGood, "[]", R"(["@DIR@/sites.d/*.json"])");
  sites.write_main(replaced(main, "\"queue\"", "\"quue\""));
  sites.write("a.json", "{");
  CHECK(sites.load() == Lines{"@DIR@/main.json:15:54: unknown key \"quue\" in \"scale\"; did you "
                              "mean \"queue\"?"});
  CHECK_FALSE(sites.has_configuration());
  sites.write_main(main);
  CHECK(sites.load().size() == 1);
  CHECK(sites.hosts() == Lines{"a.test", "b.test"});
}

TEST_CASE("a site file that is gone is gone") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  CHECK(sites.load() == Lines{});
  sites.directory().remove("sites.d/a.json");
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test"});
  sites.write("a.json", "{");
  CHECK(sites.load() == Lines{"@DIR@/sites.d/a.json:1:2: expected a key in double quotes here, or "
                              "the end \"}\""});
  CHECK(sites.hosts() == Lines{"a.test"});
}

TEST_CASE("at first, the earlier file has a name") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", site("bob", "lp", "B.test"));
  CHECK(sites.load() == Lines{"@DIR@/sites.d/b.json:3:5: the group \"bob\" is taken already, at "
                              "@DIR@/sites.d/a.json:3:5",
                              "@DIR@/sites.d/b.json:6:17: the name \"b.test\" is taken already, at "
                              "@DIR@/sites.d/a.json:6:17"});
  CHECK(sites.hosts() == Lines{"a.test", "b.test"});
  CHECK(sites.configuration().groups.at("bob").permissions.identity.user == "man");
}

TEST_CASE("later, who has a name keeps it") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", site("carol", "lp", "c.test"));
  sites.settle();
  sites.write("a.json", site("bob", "man", "c.test"));
  CHECK(sites.load() == Lines{"@DIR@/sites.d/a.json:6:17: the name \"c.test\" is taken already, at "
                              "@DIR@/sites.d/b.json:6:17"});
  CHECK(sites.hosts() == Lines{"a.test", "b.test", "c.test"});
  // Two that exchange their names at once do not collide.
  sites.write("b.json", site("carol", "lp", "b.test"));
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "c.test", "b.test"});
}

TEST_CASE("who has a name keeps it also when its file is read again in the same load") {
  Sites sites;
  sites.write("b.json", site("carol", "lp", "c.test"));
  sites.settle();
  sites.write("b.json", site("carol", "man", "c.test"));
  sites.write("a.json", site("bob", "man", "c.test"));
  CHECK(sites.load() == Lines{"@DIR@/sites.d/a.json:6:17: the name \"c.test\" is taken already, at "
                              "@DIR@/sites.d/b.json:6:17"});
  CHECK(sites.configuration().groups.at("carol").permissions.identity.user == "man");
  // Unless it gives it up.
  sites.write("b.json", site("carol", "man", "d.test"));
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "c.test", "d.test"});
}

TEST_CASE("the main file has every name that it claims") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.settle();
  sites.write_main(
      replaced(replaced(kGood, "[]", R"(["@DIR@/sites.d/*.json"])"), "*.a.test", "b.test"));
  CHECK(sites.load() == Lines{"@DIR@/sites.d/a.json:6:5: the name \"b.test\" is taken already, at "
                              "@DIR@/main.json:19:27"});
  CHECK(sites.hosts() == Lines{"a.test"});
  sites.write("a.json", "{");
  CHECK(sites.load() ==
        Lines{"@DIR@/sites.d/a.json: the previous version of this file does not fit any more "
              "either",
              "@DIR@/sites.d/a.json:1:2: expected a key in double quotes here, or the end \"}\"",
              "@DIR@/sites.d/a.json:6:5: the name \"b.test\" is taken already, at "
              "@DIR@/main.json:19:27"});
}

TEST_CASE("only what changed is read again") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", site("carol", "lp", "c.test"));
  sites.load();
  CHECK(sites.read() == 2);
  sites.settle();
  CHECK(sites.hosts() == Lines{"a.test", "b.test", "c.test"});
  // The same size, right away.
  sites.write("b.json", site("carol", "lp", "d.test"));
  CHECK(sites.load() == Lines{});
  CHECK(sites.read() == 1);
  CHECK(sites.hosts() == Lines{"a.test", "b.test", "d.test"});
  sites.write("b.json", site("carol", "lp", "e.test"));
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "b.test", "e.test"});
  sites.settle();
  // What every file is checked against.
  sites.write_main(
      replaced(replaced(kGood, "[]", R"(["@DIR@/sites.d/*.json"])"), "/run/dmpm", "/run/other"));
  CHECK(sites.load() == Lines{});
  CHECK(sites.read() == 2);
}

TEST_CASE("no previous version runs as a service's user") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", site("carol", "lp", "c.test"));
  CHECK(sites.load() == Lines{});
  const std::string main = replaced(kGood, "[]", R"(["@DIR@/sites.d/*.json"])");
  sites.write_main(replaced(main, "\"sys\"", "\"man\""));
  for (int i = 0; i < 2; ++i) {
    CHECK(sites.load() ==
          Lines{"@DIR@/sites.d/a.json: the previous version of this file may not run any more "
                "either",
                "@DIR@/sites.d/a.json:3:39: \"user\" must not be \"man\": the logger runs as this "
                "user"});
    CHECK(sites.hosts() == Lines{"a.test", "b.test", "c.test"});
    CHECK(sites.configuration().virtual_hosts[1].group.empty());
  }
  sites.write_main(main);
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "b.test", "c.test"});
}

TEST_CASE("a certificate that cannot be used is a problem of the file that names it first") {
  Sites sites;
  const std::string with_tls =
      replaced(site("bob", "man", "b.test"), "\"group\": \"bob\"",
               R"("group": "bob", "tls": { "certificate": "@DIR@/b.crt", "key": "@DIR@/a.key" })");
  sites.write("a.json", with_tls);
  CHECK(sites.load() ==
        Lines{"@DIR@/sites.d/a.json:6:68: \"@DIR@/b.crt\" cannot be opened: No such "
              "file or directory"});
  sites.directory().write("b.crt", "writable", 0666);
  CHECK(sites.load() == Lines{"@DIR@/sites.d/a.json:6:68: \"@DIR@/b.crt\" has mode 0666, so that "
                              "others than its owner may write to it; chmod go-w"});
  sites.directory().write("b.crt", "one", 0644);
  sites.settle();
  // From then on it is of who reads it.
  sites.directory().remove("b.crt");
  CHECK(sites.load() == Lines{});
  CHECK(sites.read() == 0);
}

TEST_CASE("sections that did not change are the same objects") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", site("carol", "lp", "c.test"));
  sites.settle();
  const auto before = sites.configuration().sections;
  REQUIRE(before.size() == 3);
  sites.write("b.json", site("carol", "lp", "d.test"));
  CHECK(sites.load() == Lines{});
  const auto after = sites.configuration().sections;
  REQUIRE(after.size() == 3);
  CHECK(after[0] == before[0]);
  CHECK(after[1] == before[1]);
  CHECK(after[2] != before[2]);
  // A group that moves in the main file is in another place, for messages.
  const std::string main = replaced(kGood, "[]", R"(["@DIR@/sites.d/*.json"])");
  sites.write_main("\n" + main);
  CHECK(sites.load() == Lines{});
  CHECK(sites.configuration().sections[0] != before[0]);
  CHECK(sites.configuration().sections[1] == before[1]);
}

TEST_CASE("names stay taken over loads that change nothing else") {
  Sites sites;
  sites.write("a.json", site("bob", "man", "b.test"));
  sites.write("b.json", site("carol", "lp", "c.test"));
  sites.settle();
  sites.write("c.json", site("dave", "mail", "b.test"));
  const Lines taken{
      "@DIR@/sites.d/c.json:6:17: the name \"b.test\" is taken already, at "
      "@DIR@/sites.d/a.json:6:17"};
  CHECK(sites.load() == taken);
  CHECK(sites.load() == taken);
  // Who has it goes.
  sites.directory().remove("sites.d/a.json");
  CHECK(sites.load() == Lines{});
  CHECK(sites.hosts() == Lines{"a.test", "c.test", "b.test"});
  CHECK(sites.configuration().groups.contains("dave"));
  CHECK_FALSE(sites.configuration().groups.contains("bob"));
}

TEST_CASE("a TLS listener is served by any file's certificate") {
  Sites sites;
  const std::string main = replaced(replaced(kGood, "[]", R"(["@DIR@/sites.d/*.json"])"),
                                    ",\n      \"tls\": { \"certificate\": \"@DIR@/a.crt\",\n       "
                                    "        \"key\": \"@DIR@/a.key\" }",
                                    "");
  sites.write_main(main);
  sites.write(
      "a.json",
      replaced(site("bob", "man", "b.test"), "\"group\": \"bob\"",
               R"("group": "bob", "tls": { "certificate": "@DIR@/a.crt", "key": "@DIR@/a.key" })"));
  CHECK(sites.load() == Lines{});
  // At a first load with that file wrong, the listener is not the problem.
  sites.write("a.json", "{");
  LoadOutcome outcome = Loader(sites.directory().file("main.json")).load();
  CHECK(outcome.configuration.has_value());
  CHECK(outcome.problems.size() == 1);
}

TEST_CASE("at most fifty problems of a file are listed") {
  Sites sites;
  std::string names;
  for (int i = 0; i < 60; ++i) names += "\"*\", ";
  sites.write("a.json", "{ \"virtual_hosts\": [{ \"names\": [" + names +
                            "\"b.test\"], \"group\": \"alice\" }] }");
  const Lines got = sites.load();
  REQUIRE(got.size() == 51);
  CHECK(got.back() == "@DIR@/sites.d/a.json: and 10 more problems");
}

TEST_CASE("many users are found through the tables") {
  Sites sites;
  std::string groups;
  for (int i = 0; i < 60; ++i) {
    groups += "\"g" + std::to_string(i) + R"(": { "permissions": { "user": ")" +
              (i % 2 == 0 ? "man" : "nosuch" + std::to_string(i)) +
              R"(" }, "worker": { "command": ["/bin/true"] } },)" + "\n";
  }
  groups.resize(groups.size() - 2);
  sites.write("a.json", "{ \"groups\": {\n" + groups + "} }");
  const Lines got = sites.load();
  REQUIRE(got.size() == 30);
  CHECK(got.front() == "@DIR@/sites.d/a.json:3:34: there is no user \"nosuch1\"");
}

}  // namespace
}  // namespace dmpm::config::test
