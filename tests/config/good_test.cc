// What right configurations become.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <filesystem>

#include "tests/config/fixture.h"

namespace dmpm::config::test {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

Flat load(const TemporaryDirectory& directory, std::string_view text) {
  directory.write("main.json", text);
  LoadOutcome outcome = Loader(directory.file("main.json")).load();
  REQUIRE(lines(outcome.problems, directory) == std::vector<std::string>{});
  REQUIRE(outcome.configuration.has_value());
  return Flat(std::move(*outcome.configuration));
}

TEST_CASE("the good configuration") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const Flat got = load(directory, kGood);
  CHECK(got.runtime_directory == "/run/dmpm");
  CHECK(got.log_directory == "/var/log/dmpm");
  CHECK(got.private_directories == "/var/lib/dmpm");
  CHECK(got.listen ==
        std::vector<Listener>{{"0.0.0.0:443", true, false}, {"[::1]:80", false, true}});
  CHECK(got.dispatcher == DispatcherSettings{1, {"daemon", "daemon", 1, 1}});
  CHECK(got.keyholder == Identity{"bin", "bin", 2, 2});
  CHECK(got.logger == Identity{"sys", "sys", 3, 3});
  REQUIRE(got.groups.size() == 1);
  const Group& alice = got.groups.at("alice");
  CHECK(alice.name == "alice");
  CHECK(*alice.location.file == directory.file("main.json"));
  CHECK(alice.location.line == 12);
  CHECK(alice.location.column == 5);
  CHECK(alice.permissions.identity == Identity{"games", "games", 5, 60});
  CHECK(alice.permissions.supplementary_groups == std::vector<gid_t>{60});
  CHECK(alice.worker.command == std::vector<std::string>{"/bin/true", "-x"});
  CHECK(alice.scale == Scale{});
  REQUIRE(got.virtual_hosts.size() == 1);
  const VirtualHost& host = got.virtual_hosts.front();
  CHECK(host.names == std::vector<std::string>{"a.test", "*.a.test"});
  CHECK(host.group == "alice");
  CHECK(host.location.line == 19);
  REQUIRE(host.tls.has_value());
  CHECK(host.tls->certificate_path == directory.file("a.crt"));
  CHECK(host.tls->key_path == directory.file("a.key"));
}

TEST_CASE("access logs") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const Flat off = load(directory, kGood);
  CHECK(off.access_log == AccessLog{});
  CHECK(log_of(off.virtual_hosts.front(), off.access_log) == HostLog{});
  CHECK_FALSE(log_of(off.virtual_hosts.front(), off.access_log).logged());
  // What the main file and the virtual host say, and where the host's requests are logged.
  const auto log = [&](const std::string& main, const std::string& host) {
    std::string text = replaced(kGood, "\"include\": []", "\"access_log\": " + main);
    text = replaced(text, "\"names\": [\"a.test\", ",
                    "\"access_log\": " + host + ", \"names\": [\"a.test\", ");
    const Flat got = load(directory, text);
    return log_of(got.virtual_hosts.front(), got.access_log);
  };
  CHECK(log("false", "false") == HostLog{});
  CHECK(log("false", "{}") == HostLog{false, "a.test.log", "combined"});
  CHECK(log("{}", "false") == HostLog{});
  CHECK(log("{}", "{}") == HostLog{true, "a.test.log", "combined"});
  CHECK(log(R"({ "file": false, "format": "json" })", "{}") ==
        HostLog{false, "a.test.log", "json"});
  CHECK(log(R"({ "per_virtual_host": true })", R"({ "file": "A-1_2.log", "format": "$status" })") ==
        HostLog{true, "A-1_2.log", "$status"});
}

TEST_CASE("a virtual host's log is named after it") {
  const auto file = [](const std::string& name) {
    VirtualHost host;
    host.names = {name, "other.test"};
    return log_of(host, {"", "combined", true}).file;
  };
  CHECK(file("a.test") == "a.test.log");
  CHECK(file("*.a.test") == "@.a.test.log");
  CHECK(file("[2001:db8::1]") == "2001:db8::1.log");
  CHECK(file(std::string(253, 'a')) == std::string(253, 'a'));
}

TEST_CASE("the least configuration takes every default") {
  const TemporaryDirectory directory;
  const Flat got = load(directory, R"({
    "listen": [{ "address": "127.0.0.1:0" }, { "address": "127.0.0.1:0" }],
    "dispatcher": { "user": "daemon" }, "keyholder": { "user": "bin" }, "logger": { "user": "sys" }
  })");
  Configuration expected;
  expected.listen = {{"127.0.0.1:0", false, false}, {"127.0.0.1:0", false, false}};
  CHECK(got.runtime_directory == expected.runtime_directory);
  CHECK(got.log_directory == expected.log_directory);
  CHECK(got.listen == expected.listen);
  CHECK(got.dispatcher.identity.group == "daemon");
  CHECK(got.groups.empty());
  CHECK(got.virtual_hosts.empty());
}

TEST_CASE("every key of a group") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  std::string text = kGood;
  const size_t begin = text.find("{ \"user\": \"games\"");
  const size_t end = text.find("\n    }\n  },\n  \"virtual_hosts\"");
  text.replace(begin, end - begin, R"({
        "user": "games", "group": "man", "supplementary_groups": ["mail", "lp", "mail"],
        "root": "/srv", "umask": "077",
        "resource_limits": { "open_files": 1024, "processes": "unlimited", "address_space": "2G",
          "data_size": "1T", "stack": "8M", "file_size": 100, "core_size": 0,
          "locked_memory": "64K", "cpu_time": "2m", "pending_signals": 7 }
      },
      "worker": { "command": ["/a b", "{socket}", "x{fd}"], "activation": "argument",
                  "directory": "/w", "environment": { "A": "1\n2", "_b2": "" } },
      "scale": { "min_workers": 2, "max_workers": 3, "connections_per_worker": 4,
                 "requests_at_once": 5, "requests_per_worker": 6, "max_requests": 7,
                 "idle_timeout": "500ms", "start_timeout": "2m", "stop_timeout": "1h",
                 "queue": 0, "queue_timeout": "720h", "response_timeout": "7s" })");
  const Group group = load(directory, text).groups.at("alice");
  Permissions permissions;
  permissions.identity = {"games", "man", 5, 12};
  permissions.supplementary_groups = {7, 8};
  permissions.root = "/srv";
  permissions.umask = 077;
  permissions.resource_limits = {
      {RLIMIT_AS, rlim_t{2} << 30},   {RLIMIT_CORE, 0},       {RLIMIT_CPU, 120},
      {RLIMIT_DATA, rlim_t{1} << 40}, {RLIMIT_FSIZE, 100},    {RLIMIT_MEMLOCK, 65536},
      {RLIMIT_NOFILE, 1024},          {RLIMIT_SIGPENDING, 7}, {RLIMIT_NPROC, RLIM_INFINITY},
      {RLIMIT_STACK, rlim_t{8} << 20}};
  CHECK(group.permissions == permissions);
  CHECK(group.worker == Worker{{"/a b", "{socket}", "x{fd}"},
                               Activation::argument,
                               "/w",
                               {{"A", "1\n2"}, {"_b2", ""}},
                               {}});
  CHECK(group.scale == Scale{2, 3, 4, 5, 6, 7, 500ms, 120s, 3600s, 0, 2592000s, 7s});
}

TEST_CASE("a root directory that its customer could replace is refused") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const std::string home = directory.file("home"), jail = home + "/jail";
  std::filesystem::create_directories(jail);
  const std::string text = replaced(kGood, "\"root\": \"/\"", "\"root\": \"" + jail + "\"");
  CHECK(load(directory, text).groups.at("alice").permissions.root == jail);
  std::filesystem::permissions(home, std::filesystem::perms::all);
  const LoadOutcome outcome = Loader(directory.file("main.json")).load();
  CHECK_FALSE(outcome.configuration.has_value());
  REQUIRE(outcome.problems.size() == 1);
  CHECK(outcome.problems[0].message.starts_with("\"root\" cannot be used: "));
}

TEST_CASE("memory for idle workers") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  CHECK(load(directory, kGood).keep_warm == 0);
  const std::string text =
      replaced(kGood, "\"include\"", R"("keep_warm": { "memory": "2G" }, "include")");
  CHECK(load(directory, text).keep_warm == uint64_t{2} << 30);
}

TEST_CASE("what the adapter is told") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const auto adapter = [&](const char* worker) {
    const std::string text =
        replaced(kGood, R"("command": ["/bin/true", "-x"], "activation": "listen_fds")", worker);
    return load(directory, text).groups.at("alice").worker.adapter;
  };
  using Words = std::vector<std::string>;
  CHECK(adapter(R"("command": ["/bin/true"])") == Words{});
  CHECK(adapter(R"("command": ["/bin/true"], "activation": "preload")") == Words{"preload"});
  CHECK(adapter(R"("command": ["/bin/true"], "activation": "preload", "port": 80,
                   "preload_library": "/l.so")") ==
        Words{"preload", "port=80", "preload_library=/l.so"});
  CHECK(adapter(R"("command": ["/bin/true"], "activation": "bridge", "path": "/p")") ==
        Words{"bridge", "path=/p"});
  CHECK(adapter(R"("preset": "static", "document_root": "/srv/a b")") ==
        Words{"preset", "static", "document_root=/srv/a b"});
  CHECK(adapter(R"("preset": "php", "document_root": "/d", "private_directory": "/p",
                   "index": ["a", "b"], "front_controller": "/index.php", "processes": 2,
                   "php_extensions": ["curl", "pdo"],
                   "php_ini": { "memory_limit": "1G", "x.y": "1" })") ==
        Words{"preset", "php", "document_root=/d", "private_directory=/p", "index=a", "index=b",
              "front_controller=/index.php", "processes=2", "php_extensions=curl",
              "php_extensions=pdo", "php_ini=memory_limit=1G", "php_ini=x.y=1"});
  CHECK(adapter(R"("preset": "apache", "document_root": "/d", "php": false)") ==
        Words{"preset", "apache", "document_root=/d", "php=no"});
  CHECK(adapter(R"("preset": "node", "document_root": "/d", "script": "x.js")") ==
        Words{"preset", "node", "document_root=/d", "script=x.js"});
}

TEST_CASE("the PROXY protocol towards a worker is part of what it is") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const Worker before = load(directory, kGood).groups.at("alice").worker;
  CHECK_FALSE(before.proxy_protocol);
  const std::string text = replaced(kGood, R"("activation": "listen_fds")",
                                    R"("activation": "listen_fds", "proxy_protocol": true)");
  const Worker after = load(directory, text).groups.at("alice").worker;
  CHECK(after.proxy_protocol);
  CHECK_FALSE(before == after);
}

TEST_CASE("limits of clients") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const std::string text =
      replaced(kGood, "\"include\"", R"("limits": { "head_size": "16K", "body_size": 1000,
               "head_timeout": "2s", "connections_per_address": 7 }, "include")");
  ClientLimits expected;
  expected.head_size = 16384;
  expected.body_size = 1000;
  expected.head_timeout = 2s;
  expected.connections_per_address = 7;
  CHECK(load(directory, text).limits == expected);
}

TEST_CASE("activations") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const std::pair<const char*, Activation> cases[] = {{"listen_fds", Activation::listen_fds},
                                                      {"nginx", Activation::nginx},
                                                      {"stdin", Activation::stdin_fd}};
  for (const auto& entry : cases) {
    const auto& name = entry.first;
    const auto& activation = entry.second;
    const auto got = load(directory, replaced(kGood, "listen_fds", name));
    CHECK(got.groups.at("alice").worker.activation == activation);
  }
}

TEST_CASE("comments and a byte order mark are allowed everywhere") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  std::string text = replaced(kGood, ": ", " /* \" { */ : // [\n /**/");
  text = replaced(std::move(text), "[]", "[ // \"/none\"\n ]");
  const Flat got = load(directory, "\xef\xbb\xbf// first\n" + text + "/* last */");
  CHECK(got.groups.size() == 1);
}

TEST_CASE("a group without \"group\" runs in the user's primary one") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const auto got = load(directory, replaced(kGood, "\"games\", \"group\": \"games\"", "\"man\""));
  CHECK(got.groups.at("alice").permissions.identity == Identity{"man", "man", 6, 12});
}

TEST_CASE("two groups may share a user") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const auto got =
      load(directory, replaced(kGood, "\"alice\": {",
                               "\"bob\": { \"permissions\": { \"user\": \"games\" }, \"worker\": "
                               "{ \"command\": [\"/bin/true\"] } }, \"alice\": {"));
  CHECK(got.groups.size() == 2);
}

}  // namespace
}  // namespace dmpm::config::test
