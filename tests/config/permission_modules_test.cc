// What permission modules say of their settings, through the configuration that they stand in. The
// modules are those of this build, in their place beside the test's own program.
#include "config/permission_modules.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "tests/config/malformed.h"

namespace dmpm::config::test {
namespace {

// The good configuration with these modules.
Malformed with(const char* name, const char* replacement, std::vector<std::string> problems) {
  return {name, "\"modules\": {}", replacement, std::move(problems)};
}

const std::vector<Malformed> kCases{
    with(
        "a path for a name", R"("modules": { "../x": {}, "": {} })",
        {R"(13:85: "../x" is no name for a permission module: use 1 to 32 of a-z 0-9 _ - and a letter first)",
         R"(13:97: "" is no name for a permission module: use 1 to 32 of a-z 0-9 _ - and a letter first)"}),
    with("no object", R"("modules": { "cgroup": 5, "selinux": [] })",
         {R"(13:95: "cgroup" must be an object, not 5)",
          R"(13:109: "selinux" must be an object, not an empty list)"}),
    with(
        "too many",
        R"("modules": { "a": {}, "b": {}, "c": {}, "d": {}, "e": {}, "f": {}, "g": {}, "h": {}, "i": {} })",
        {R"(13:83: "modules" must have at most 8 members)"}),

    with(
        "cgroup: unknown key", R"("modules": { "cgroup": { "memory_mex": "512M", "x": 1 } })",
        {R"(13:97: unknown key "memory_mex" in "cgroup"; did you mean "memory_max"?)",
         R"(13:119: unknown key "x" in "cgroup"; expected are "memory_max", "cpus", "processes" and "parent")"}),
    with(
        "cgroup: wrong values",
        R"("modules": { "cgroup": { "memory_max": "lots", "cpus": "1.5x", "processes": 0 } })",
        {R"(13:111: "memory_max" must be a number of bytes from 1048576 to 1125899906842624 such as 65536 or "64K", not "lots")",
         R"(13:127: "cpus" must be a number of processors from 0.01 to 1024 such as 1.5, not "1.5x")",
         R"(13:148: "processes" must be a whole number of 1 to 4194304, not 0)"}),
    with(
        "cgroup: wrong types",
        R"("modules": { "cgroup": { "memory_max": 1.5, "cpus": [1], "processes": "9", "parent": "a/b" } })",
        {R"(13:111: "memory_max" must be a number of bytes from 1048576 to 1125899906842624 such as 65536 or "64K", not 1.5)",
         R"(13:124: "cpus" must be a number of processors from 0.01 to 1024 such as 1.5, not a list)",
         R"(13:142: "processes" must be a whole number of 1 to 4194304, not "9")",
         R"(13:157: "parent" must be the name of a directory, of at most 63 of A-Z a-z 0-9 _ - ., not "a/b")"}),
    with(
        "cgroup: out of range",
        R"("modules": { "cgroup": { "memory_max": 1, "cpus": 0, "processes": -3, "parent": ".." } })",
        {R"(13:111: "memory_max" must be a number of bytes from 1048576 to 1125899906842624 such as 65536 or "64K", not 1)",
         R"(13:122: "cpus" must be a number of processors from 0.01 to 1024 such as 1.5, not 0)",
         R"(13:138: "processes" must be a whole number of 1 to 4194304, not -3)",
         R"(13:152: "parent" must be the name of a directory, of at most 63 of A-Z a-z 0-9 _ - ., not "..")"}),

    with(
        "capabilities: refused ones",
        R"("modules": { "capabilities": { "keep": ["SETUID", "NET_RAW", "SYS_NICE", "CAP_KILL", 5] } })",
        {R"(13:112: the capability "SETUID" cannot be kept: it amounts to being root; only NET_BIND_SERVICE and IPC_LOCK can)",
         R"(13:122: the capability "NET_RAW" cannot be kept: it reads, forges or redirects other groups' traffic; only NET_BIND_SERVICE and IPC_LOCK can)",
         R"(13:133: the capability "SYS_NICE" cannot be kept: it reaches other groups' processes; only NET_BIND_SERVICE and IPC_LOCK can)",
         R"(13:145: each element of "keep" must be the name of a capability such as "NET_BIND_SERVICE", not "CAP_KILL")",
         R"(13:157: each element of "keep" must be the name of a capability such as "NET_BIND_SERVICE", not 5)"}),
    with("capabilities: no list", R"("modules": { "capabilities": { "keep": "IPC_LOCK" } })",
         {R"(13:111: "keep" must be a list, not "IPC_LOCK")"}),

    with("namespaces: none", R"("modules": { "namespaces": { "pid": false } })",
         {R"(13:99: "namespaces" asks for no namespace)"}),
    with(
        "namespaces: wrong types",
        R"("modules": { "namespaces": { "pid": 1, "net": "yes", "tmpfs": ["/tmp"], "hidden": "/x" } })",
        {R"(13:108: "pid" must be true or false, not 1)",
         R"(13:118: "net" must be true or false, not "yes")",
         R"(13:134: "tmpfs" must be an object, not a list)",
         R"(13:154: "hidden" must be a list, not "/x")"}),
    with(
        "namespaces: paths",
        R"("modules": { "namespaces": { "read_only": ["etc", "/", 7], "tmpfs": { "tmp": "1M", "/tmp": "x" } } })",
        {R"(13:115: each element of "read_only" must be an absolute path, not "etc")",
         R"(13:122: each element of "read_only" must be an absolute path below the root directory, not "/")",
         R"(13:127: each element of "read_only" must be an absolute path, not 7)",
         R"(13:149: each key of "tmpfs" must be the absolute path of a directory)",
         R"(13:163: "/tmp" must be a number of bytes from 4096 to 1099511627776 such as 65536 or "64K", not "x")"}),

    with(
        "landlock: wrong values",
        R"("modules": { "landlock": { "read": ["usr"], "execute": "/usr", "tcp_connect": [70000, "80"], "optional": 1, "write": [] } })",
        {R"(13:108: each element of "read" must be an absolute path, not "usr")",
         R"(13:127: "execute" must be a list, not "/usr")",
         R"(13:151: each element of "tcp_connect" must be a whole number of 0 to 65535, not 70000)",
         R"(13:158: each element of "tcp_connect" must be a whole number of 0 to 65535, not "80")",
         R"(13:177: "optional" must be true or false, not 1)",
         R"(13:180: unknown key "write" in "landlock"; expected are "optional", "execute", "read", "read_write", "tcp_bind" and "tcp_connect")"}),

    with("seccomp: nothing", R"("modules": { "seccomp": {} })",
         {R"(13:96: "seccomp" needs "preset" or "deny")"}),
    with(
        "seccomp: wrong values",
        R"("modules": { "seccomp": { "preset": "strict", "deny": ["opne", "execve", 3], "errno": "EIO" } })",
        {R"(13:108: "preset" must be "server" or "local", not "strict")",
         R"(13:127: each element of "deny" must be the name of a system call, not "opne")",
         R"(13:135: "execve" cannot be denied: it is what starts the worker)",
         R"(13:145: each element of "deny" must be the name of a system call, not 3)",
         R"(13:158: "errno" must be "EPERM" or "kill", not "EIO")"}),

    with("selinux: nothing", R"("modules": { "selinux": {} })",
         {R"(13:96: "selinux" needs a "context")"}),
    with(
        "selinux: no context", R"("modules": { "selinux": { "context": "httpd_t" } })",
        {R"(13:109: "context" must be a context USER:ROLE:TYPE or USER:ROLE:TYPE:RANGE, not "httpd_t")"}),
};

TEST_CASE("malformed settings of permission modules") {
  check_all(kCases);
}

// The settings of each group's modules, after one load.
std::vector<PermissionModule> load_modules(const TemporaryDirectory& directory,
                                           std::string_view modules) {
  directory.write("main.json", replaced(kGood, "\"modules\": {}", modules));
  LoadOutcome outcome = Loader(directory.file("main.json")).load();
  REQUIRE(lines(outcome.problems, directory) == std::vector<std::string>{});
  return Flat(*outcome.configuration).groups.at("alice").permissions.modules;
}

constexpr char kAll[] = R"("modules": {
  "selinux": { "context": "system_u:system_r:httpd_t:s0-s0:c0.c1" },
  "seccomp": { "preset": "local", "deny": ["personality"], "errno": "kill" },
  "namespaces": { "pid": true, "net": true, "ipc": true, "uts": true, "mount": true,
                  "tmpfs": { "/tmp": "1M" }, "hidden": ["/root"], "read_only": ["/srv"] },
  "landlock": { "execute": ["/usr"], "read": ["/etc"], "read_write": ["/home"], "tcp_bind": [],
                "tcp_connect": [25, 3306], "optional": true },
  "cgroup": { "memory_max": "512M", "cpus": 1.5, "processes": 100, "parent": "x" },
  "capabilities": { "keep": ["NET_BIND_SERVICE", "IPC_LOCK"] } })";

TEST_CASE("right settings of permission modules become bytes, equal ones equal bytes") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const auto modules = load_modules(directory, kAll);
  std::vector<std::string> names;
  for (const PermissionModule& module : modules) {
    names.push_back(module.name);
    CHECK(module.stages != 0);
    CHECK_FALSE(module.settings.empty());
    CHECK(module.path == default_module_directory() + "/" + module.name + ".so");
  }
  CHECK(names == std::vector<std::string>{"capabilities", "cgroup", "landlock", "namespaces",
                                          "seccomp", "selinux"});
  // In another order and form.
  CHECK(load_modules(directory, replaced(kAll, "\"512M\"", "536870912")) == modules);
  for (const auto& change : std::vector<std::pair<const char*, const char*>>{
           {"512M", "511M"}, {"/srv", "/opt"}, {", \"IPC_LOCK\"", ""}, {"25, ", ""}}) {
    CAPTURE(change.first);
    CHECK(load_modules(directory, replaced(kAll, change.first, change.second)) != modules);
  }
}

TEST_CASE("numbers of processors, as numbers and as text") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const auto cpus = [&](const std::string& value) {
    return load_modules(directory, "\"modules\": { \"cgroup\": { \"cpus\": " + value + " } }");
  };
  CHECK(cpus("2") == cpus("\"2.0\""));
  CHECK(cpus("0.5") == cpus("\"0.500\""));
  CHECK(cpus("0.5") != cpus("0.05"));
}

// What is no module, and what nobody but root may have written.
TEST_CASE("files that are not taken for permission modules") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  directory.write("text.so", "no library at all");
  directory.write("empty.so", "");
  const std::string good = default_module_directory() + "/selinux.so";
  std::filesystem::copy_file(good, directory.file("open.so"));
  REQUIRE(::chmod(directory.file("open.so").c_str(), 0666) == 0);
  REQUIRE(::mkdir(directory.file("directory.so").c_str(), 0755) == 0);
  std::filesystem::copy_file(good, directory.file("right.so"));
  REQUIRE(::chmod(directory.file("right.so").c_str(), 0644) == 0);

  const auto problems_of = [&](const std::string& name) {
    directory.write(
        "main.json",
        replaced(replaced(kGood, "\"log_directory\"",
                          "\"permission_module_directory\": \"@DIR@\", \"log_directory\""),
                 "\"modules\": {}",
                 "\"modules\": { \"" + name + "\": { \"context\": \"a:b:c\" } }"));
    return lines(Loader(directory.file("main.json")).load().problems, directory);
  };
  const std::string where = "@DIR@/main.json:13:85: the permission module ";
  CHECK(problems_of("right") == std::vector<std::string>{});
  CHECK(problems_of("text") ==
        std::vector<std::string>{where + "\"text\" cannot be used: @DIR@/text.so: file too short"});
  CHECK(
      problems_of("empty") ==
      std::vector<std::string>{where + "\"empty\" cannot be used: @DIR@/empty.so: file too short"});
  CHECK(problems_of("open") ==
        std::vector<std::string>{
            where + "\"open\" cannot be used: \"@DIR@/open.so\" has mode 0666, so that "
                    "others than its owner may write to it; chmod go-w"});
  CHECK(problems_of("directory") ==
        std::vector<std::string>{
            where + "\"directory\" cannot be used: \"@DIR@/directory.so\" is not a regular file"});
  CHECK(problems_of("missing") ==
        std::vector<std::string>{
            where + "\"missing\" cannot be used: \"@DIR@/missing.so\" cannot be opened: "
                    "No such file or directory"});
}

// A site file that did not change is not read again: unless its module did.
TEST_CASE("a new version of a module is a change of the groups that use it") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  const std::string good = default_module_directory() + "/selinux.so";
  std::filesystem::copy_file(good, directory.file("mine.so"));
  directory.write(
      "main.json",
      replaced(replaced(kGood, "\"log_directory\"",
                        "\"permission_module_directory\": \"@DIR@\", \"log_directory\""),
               "[]", "[\"@DIR@/site.json\"]"));
  directory.write("site.json",
                  replaced(site("bob", "man", "b.test"), "\"user\": \"man\"",
                           R"("user": "man", "modules": { "mine": { "context": "a:b:c" } })"));
  Loader loader(directory.file("main.json"));
  // A file that has only just been written is not believed to be settled.
  for (const char* name : {"site.json", "mine.so"}) {
    std::filesystem::last_write_time(
        directory.file(name),
        std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
  const LoadOutcome first = loader.load();
  REQUIRE(lines(first.problems, directory) == std::vector<std::string>{});
  const auto permissions = [](const LoadOutcome& outcome) {
    return Flat(*outcome.configuration).groups.at("bob").permissions;
  };
  std::filesystem::copy_file(good, directory.file("new.so"));
  std::filesystem::rename(directory.file("new.so"), directory.file("mine.so"));
  const LoadOutcome second = loader.load();
  REQUIRE(lines(second.problems, directory) == std::vector<std::string>{});
  CHECK(second.site_files_read == 1);
  CHECK(permissions(second) != permissions(first));
}

}  // namespace
}  // namespace dmpm::config::test
