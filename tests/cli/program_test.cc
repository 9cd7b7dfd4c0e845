// The program `dmpm`: its exit status and what it writes where.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/cli/fixture.h"
#include "tests/config/fixture.h"

namespace dmpm::cli::test {
namespace {

using namespace config::test;

struct Ran {
  int status = -1;
  std::string output, errors;
};

std::string content(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// Runs `program` with arguments that need no quoting.
Ran run(const TemporaryDirectory& directory, const std::string& program,
        const std::string& arguments) {
  const std::string out = directory.file("out");
  const std::string err = directory.file("err");
  const std::string command =
      "cd " + directory.path() + " && exec " + program + " " + arguments + " >" + out + " 2>" + err;
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(out),
          replaced(content(err), directory.path(), "@DIR@")};
}

TEST_CASE("dmpm check") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  directory.write("main.json", kGood);
  Ran ran = run(directory, DMPM_PROGRAM, "check --config main.json");
  CHECK(ran.status == 0);
  CHECK(ran.output == "main.json: OK: 1 groups, 1 virtual hosts, 1 warning\n");
  CHECK(ran.errors ==
        "@DIR@/main.json:19:5: warning: this virtual host's TLS does not work: @DIR@/a.crt, "
        "@DIR@/a.key: the certificate file holds no PEM certificate\n");
  CHECK(run(directory, DMPM_PROGRAM, "check --config=main.json").status == 0);
  const PemPair pair = make_pair({"DNS:a.test", "DNS:*.a.test"}, -3600, 100'000'000);
  directory.write("a.crt", pair.certificate);
  directory.write("a.key", pair.key, 0600);
  ran = run(directory, DMPM_PROGRAM, "check --config main.json");
  CHECK(ran.output == "main.json: OK: 1 groups, 1 virtual hosts\n");
  CHECK(ran.errors.empty());

  directory.write("main.json", replaced(replaced(kGood, "443", "443x"), "scale", "scales"));
  ran = run(directory, DMPM_PROGRAM, "check --config " + directory.file("main.json"));
  CHECK(ran.status == 1);
  CHECK(ran.output.empty());
  CHECK(ran.errors ==
        "@DIR@/main.json:5:18: \"address\" must be IPv4:PORT, [IPv6]:PORT or *:PORT with a port of "
        "0 to 65535, not \"0.0.0.0:443x\"\n"
        "@DIR@/main.json:15:7: unknown key \"scales\" in this group; did you mean \"scale\"?\n");

  // A site file alone is wrong: dmpm would start, but all is not well.
  directory.write("main.json", replaced(kGood, "[]", "[\"@DIR@/site.json\"]"));
  directory.write("site.json", "{ \"group\": {} }");
  ran = run(directory, DMPM_PROGRAM, "check --config main.json");
  CHECK(ran.status == 1);
  CHECK(ran.output.empty());
  CHECK(ran.errors ==
        "@DIR@/site.json:1:3: unknown key \"group\" in an included file; did you mean "
        "\"groups\"?\n");
}

TEST_CASE("dmpm run becomes the master that lies beside it") {
  const TemporaryDirectory directory;
  std::filesystem::copy_file(DMPM_PROGRAM, directory.file("dmpm"));
  Ran ran = run(directory, "./dmpm", "run --config x.json");
  CHECK(ran.status == 1);
  CHECK(ran.errors == "dmpm: @DIR@/dmpm-master cannot be started: No such file or directory\n");
  directory.write("dmpm-master", "#!/bin/sh\necho $0 \"$@\"\nexit 7\n", 0755);
  ran = run(directory, "./dmpm", "run --config x.json");
  CHECK(ran.status == 7);
  CHECK(ran.output == directory.file("dmpm-master") + " --config x.json\n");
}

TEST_CASE("help and version") {
  const TemporaryDirectory directory;
  Ran ran = run(directory, DMPM_PROGRAM, "--version");
  CHECK(ran.status == 0);
  CHECK(ran.output.starts_with("dmpm "));
  for (const char* arguments : {"--help", "check --help"}) {
    ran = run(directory, DMPM_PROGRAM, arguments);
    CHECK(ran.status == 0);
    CHECK(ran.output.find("dmpm check [--config FILE]") != std::string::npos);
    CHECK(ran.errors.empty());
  }
}

TEST_CASE("wrong arguments") {
  const TemporaryDirectory directory;
  const std::pair<const char*, const char*> cases[] = {
      {"", "expected a command"},
      {"chek", "unknown command \"chek\""},
      {"--verbose", "unknown option \"--verbose\""},
      {"--version x", "--version stands alone"},
      {"run", "run needs --config FILE"},
      {"check --config", "the option --config needs a value"},
      {"check --confg x", "unknown option \"--confg\""},
      {"check --verbose=1 --config x", "unknown option \"--verbose=1\""},
      {"check x", "unexpected argument \"x\""},
      {"check --config x --config y", "the option --config is given twice"},
      {"run --config x y", "unexpected argument \"y\""},
      {"explain", "explain needs ERROR-ID|HOST"},
      {"explain a.test b.test", "unexpected argument \"b.test\""},
      {"status --sort nonsense",
       "--sort must be name, state, workers, in-flight, queued, starts, failures, memory or cpu"},
      {"status --state tired", "--state must be asleep, awake, backing-off or leaving"},
      {"status --watch --json", "--watch and --json do not go together"},
      {"status --watch", "--watch needs a terminal"},
      {"add-site", "add-site needs NAME..."},
      {"add-site a.test", "add-site needs --user"},
      {"add-site a.test --user x", "add-site needs --document-root"},
      {"add-site a.test --user x --document-root /x --key y",
       "--certificate and --key go together"},
      {"add-site a..test --user x --document-root /x",
       "\"a..test\" is no host name: there is nothing between two dots"},
      {"add-site a.test --user x --document-root /x --group .y",
       "\".y\" is no name for a group: give one of at most 64 of A-Z a-z 0-9 _ - . with --group"},
  };
  for (const auto& entry : cases) {
    const auto& arguments = entry.first;
    const auto& message = entry.second;
    CAPTURE(arguments);
    const Ran ran = run(directory, DMPM_PROGRAM, arguments);
    CHECK(ran.status == 2);
    CHECK(ran.output.empty());
    CHECK(ran.errors == "dmpm: " + std::string(message) + "\nTry \"dmpm --help\".\n");
  }
}

}  // namespace
}  // namespace dmpm::cli::test
