#include "cli/warnings.h"

#include <doctest/doctest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/cli/fixture.h"

using namespace dmpm;
using namespace dmpm::cli;
using namespace dmpm::cli::test;

namespace {

constexpr long kDay = 24 * 3600;

using Lines = std::vector<std::string>;

// A configuration whose only virtual host has this certificate.
config::Configuration with_certificate(const Directory& directory, const PemPair& pair,
                                       std::vector<std::string> names = {"a.test"},
                                       unsigned key_mode = 0600) {
  directory.write("a.crt", pair.certificate);
  directory.write("a.key", pair.key, key_mode);
  config::VirtualHost host = make_host(std::move(names), 7);
  config::Certificate& certificate = host.tls.emplace();
  certificate.certificate_path = directory.file("a.crt");
  certificate.key_path = directory.file("a.key");
  return make_configuration({}, {host});
}

Lines warnings(const config::Configuration& configuration, const Directory& directory) {
  const Sites sites(configuration);
  Warnings warnings(configuration, sites, std::time(nullptr));
  warnings.look_at_all();
  return config::test::lines(warnings.found(), directory);
}

// A group with everything in order, and a virtual host.
config::Configuration with_group(const config::Group& group) {
  config::VirtualHost host = make_host({"a.test"});
  host.group = group.name;
  config::Configuration configuration = make_configuration({group}, {host});
  configuration.listen = {{"*:80", false, false}};
  return configuration;
}

}  // namespace

TEST_CASE("a certificate that is in order") {
  const Directory directory;
  CHECK(warnings(with_certificate(directory, make_pair({"DNS:a.test"}, -kDay, 60 * kDay)),
                 directory) == Lines{});
  // One that lives for days only has not come to its last quarter.
  CHECK(warnings(with_certificate(directory, make_pair({"DNS:a.test"}, -3 * kDay, 3 * kDay)),
                 directory) == Lines{});
}

TEST_CASE("a certificate that is about to expire, or has") {
  const Directory directory;
  const Lines soon =
      warnings(with_certificate(directory, make_pair({"DNS:a.test"}, -80 * kDay, 10 * kDay + 1800)),
               directory);
  REQUIRE(soon.size() == 1);
  CHECK(soon[0].starts_with("x.json:7:1: warning: the certificate @DIR@/a.crt expires on 20"));
  CHECK(soon[0].ends_with(", in 10 days"));
  const Lines sooner = warnings(
      with_certificate(directory, make_pair({"DNS:a.test"}, -80 * kDay, kDay + 1800)), directory);
  REQUIRE(sooner.size() == 1);
  CHECK(sooner[0].ends_with(", in 24 hours"));
  CHECK(warnings(with_certificate(directory, make_pair({"DNS:a.test"}, -80 * kDay, -kDay)),
                 directory) == Lines{"x.json:7:1: warning: this virtual host's TLS does not work: "
                                     "@DIR@/a.crt, @DIR@/a.key: the "
                                     "certificate has expired"});
}

TEST_CASE("names that a certificate is not for") {
  const Directory directory;
  const PemPair pair = make_pair({"DNS:a.test", "DNS:b.test"}, -kDay, 60 * kDay);
  CHECK(
      warnings(with_certificate(directory, pair, {"a.test", "*.a.test", "c.test"}), directory) ==
      Lines{"x.json:7:1: warning: the certificate @DIR@/a.crt is not for *.a.test, c.test, but for "
            "a.test, b.test"});
  CHECK(warnings(with_certificate(directory, make_pair({}, -kDay, 60 * kDay)), directory) ==
        Lines{"x.json:7:1: warning: the certificate @DIR@/a.crt is not for a.test, but for no name "
              "at all"});
  // Names from a certificate may be anything: they are printed as such.
  std::vector<std::string> many;
  for (int i = 0; i < 100; ++i) many.push_back("DNS:x" + std::to_string(i) + ".test");
  CHECK(
      warnings(with_certificate(directory, make_pair(many, -kDay, 60 * kDay)), directory) ==
      Lines{"x.json:7:1: warning: the certificate @DIR@/a.crt is not for a.test, but for x0.test, "
            "x1.test, x2.test, x3.test, x4.test and 95 more"});
}

TEST_CASE("keys that do not fit, or that everybody can read") {
  const Directory directory;
  PemPair pair = make_pair({"DNS:a.test"}, -kDay, 60 * kDay);
  CHECK(warnings(with_certificate(directory, pair, {"a.test"}, 0644), directory) ==
        Lines{"x.json:7:1: warning: the private key @DIR@/a.key can be read by every user of this "
              "machine"});
  pair.key = make_pair({"DNS:a.test"}, -kDay, 60 * kDay).key;
  CHECK(warnings(with_certificate(directory, pair), directory) ==
        Lines{"x.json:7:1: warning: this virtual host's TLS does not work: @DIR@/a.crt, "
              "@DIR@/a.key: the "
              "private key does not belong to the certificate"});
  pair.certificate = "nonsense";
  CHECK(warnings(with_certificate(directory, pair), directory) ==
        Lines{"x.json:7:1: warning: this virtual host's TLS does not work: @DIR@/a.crt, "
              "@DIR@/a.key: the "
              "certificate file holds no PEM certificate"});
  CHECK(warnings(with_certificate(directory, make_pair({"DNS:a.test"}, -kDay, 60 * kDay, true)),
                 directory) == Lines{"x.json:7:1: warning: the certificate @DIR@/a.crt is "
                                     "self-signed: browsers do not trust it"});
}

TEST_CASE("a virtual host that TLS clients cannot be shown the certificate of") {
  const Directory directory;
  config::Configuration configuration = with_group(make_group("a"));
  configuration.listen = {{"*:443", true, false}, {"*:80", false, true}};
  CHECK(warnings(configuration, directory) == Lines{"x.json:1:1: warning: this virtual host has no "
                                                    "certificate, and every listener wants TLS: "
                                                    "its clients are shown that of another site"});
  configuration.listen.push_back({"*:8080", false, false});
  CHECK(warnings(configuration, directory) == Lines{});
}

TEST_CASE("a group that nobody uses") {
  const Directory directory;
  CHECK(warnings(make_configuration({make_group("a")}, {}), directory) ==
        Lines{"x.json:1:1: warning: no virtual host leads to this group"});
}

TEST_CASE("programs and directories, as a worker sees them in its root directory") {
  const Directory directory;
  directory.write("root/bin/tool", "#! /bin/sh -e\n", 0755);
  directory.write("root/bin/data", "x", 0644);
  std::filesystem::create_symlink("/bin/tool", directory.file("root/bin/link"));
  std::filesystem::create_symlink("/etc/passwd", directory.file("root/bin/out"));
  config::Group group = make_group("a");
  group.permissions.root = directory.file("root");
  group.worker.directory = "/bin";
  const auto with_command = [&](const char* program) {
    group.worker.command = {program};
    return warnings(with_group(group), directory);
  };
  const std::string where = " in the root directory @DIR@/root";
  CHECK(with_command("/bin/true") ==
        Lines{"x.json:1:1: warning: there is no program /bin/true" + where});
  CHECK(with_command("/bin/out") ==
        Lines{"x.json:1:1: warning: there is no program /bin/out" + where});
  for (const char* program : {"/bin/tool", "/bin/link", "/../bin/tool"}) {
    CHECK(with_command(program) == Lines{"x.json:1:1: warning: there is no /bin/sh" + where +
                                         ", which " + program + " needs"});
  }
  directory.write("root/bin/sh", "x", 0755);
  CHECK(with_command("/bin/tool") == Lines{});
  const Lines data = with_command("/bin/data");
  REQUIRE(data.size() == 1);
  CHECK(data[0].ends_with(" may not execute /bin/data" + where));
  const Lines no_file = with_command("/bin");
  REQUIRE(no_file.size() == 1);
  CHECK(no_file[0].ends_with(" may not execute /bin" + where));
  group.worker.directory = "/home";
  CHECK(with_command("/bin/tool") ==
        Lines{"x.json:1:1: warning: the directory /home is no directory" + where});
}

TEST_CASE("what a preset needs") {
  const Directory directory;
  config::Group group = make_group("a");
  group.worker.command.clear();
  group.worker.adapter = {"preset", "php", "document_root=" + directory.file("htdocs")};
  group.permissions.root = directory.path();
  CHECK(
      warnings(with_group(group), directory) ==
      Lines{
          "x.json:1:1: warning: there is no program /usr/sbin/lighttpd in the root directory @DIR@",
          "x.json:1:1: warning: there is no program /usr/bin/php-cgi in the root directory @DIR@",
          "x.json:1:1: warning: the document root @DIR@/htdocs is no directory in the root "
          "directory "
          "@DIR@"});
}

TEST_CASE("what belongs to another user is judged by its mode") {
  if (::geteuid() != 0) return;  // only root can give files away
  const Directory directory;
  directory.write("root/tool", "x", 0700);
  config::Group group = make_group("a");
  group.permissions.identity = {"games", "games", 5, 60};
  group.permissions.root = directory.file("root");
  group.worker.command = {"/tool"};
  const auto judged = [&](mode_t mode, uid_t user, gid_t gid) {
    REQUIRE(::chown(directory.file("root/tool").c_str(), user, gid) == 0);
    REQUIRE(::chmod(directory.file("root/tool").c_str(), mode) == 0);
    return warnings(with_group(group), directory).empty();
  };
  CHECK_FALSE(judged(0700, 0, 0));
  CHECK(judged(0701, 0, 0));
  CHECK(judged(0700, 5, 0));
  CHECK_FALSE(judged(0077, 5, 0));  // the owner's bits alone count
  CHECK(judged(0710, 0, 60));
  CHECK_FALSE(judged(0710, 0, 61));
  CHECK_FALSE(judged(0701, 0, 60));
  group.permissions.supplementary_groups = {61};
  CHECK(judged(0710, 0, 61));
}
