// What permission modules write into files that this machine's kernel does not have: in a root
// directory where the test has made them. (What they achieve with a real kernel is shown by
// tests/end-to-end/permission_modules_test.py.)
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "config/json_document.h"
#include "config/module_settings.h"
#include "config/permission_modules.h"
#include "master/permission_module.h"
#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

constexpr pid_t kPid = 4711;

// A root directory, and a module that is applied in it.
struct Play {
  explicit Play(const std::string& name) : name_(name) {
    const auto& loaded = modules_.get(config::default_module_directory(), name);
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
    module_ = loaded.value().descriptor;
  }

  void make(const std::string& path, std::string_view text = "") {
    std::filesystem::create_directories(std::filesystem::path(root / path).parent_path());
    write_file(root / path, text);
  }
  std::string said(const std::string& path) { return read_file(root / path); }

  // Why it failed; empty when it did not.
  std::string apply(const std::string& settings, uint32_t stage) {
    config::ProblemList problems(std::make_shared<const std::string>("settings"));
    config::JsonParser parser;
    const auto document = parser.parse(settings, problems);
    const std::string bytes =
        config::read_module_settings(*module_, name_, document->root(), problems);
    REQUIRE(problems.empty());
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) apply_in_root(bytes, stage, ends[1]);
    ::close(ends[1]);
    char text[512];
    const ssize_t size = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    return {text, size > 0 ? static_cast<size_t>(size) : 0};
  }

  TemporaryDirectory root;

 private:
  struct Call : dmpm_worker {
    int answers = -1;
  };
  static int fail(const dmpm_worker* worker, const char* what, int error) {
    const std::string text = error == 0 ? what : Error::from_errno(what, error).message;
    const int answers = static_cast<const Call*>(worker)->answers;
    if (::write(answers, text.data(), text.size()) < 0) ::_exit(2);
    return -1;
  }
  [[noreturn]] void apply_in_root(const std::string& settings, uint32_t stage, int answers) {
    if (::chroot(root.path().c_str()) != 0 || ::chdir("/") != 0) ::_exit(3);
    Call call;
    static_cast<dmpm_worker&>(call) = {stage,           7,       kPid,   kWorkerUid,
                                       kWorkerGid,      "alice", "/",    settings.data(),
                                       settings.size(), fail,    nullptr};
    call.answers = answers;
    module_->apply(&call);
    ::_exit(0);
  }

  const std::string name_;
  config::TrustedFiles files_;
  config::PermissionModules modules_{files_};
  const dmpm_module* module_ = nullptr;
};

TEST_CASE("selinux: the context is written for the next exec") {
  DMPM_NEEDS_ROOT();
  Play play("selinux");
  const std::string settings = R"({ "context": "system_u:system_r:httpd_t:s0-s0:c0.c1" })";
  CHECK(play.apply(settings, DMPM_BEFORE_IDS) ==
        "/proc/thread-self/attr/exec: No such file or directory");
  play.make("proc/thread-self/attr/exec");
  CHECK(play.apply(settings, DMPM_BEFORE_IDS).empty());
  CHECK(play.said("proc/thread-self/attr/exec") == "system_u:system_r:httpd_t:s0-s0:c0.c1");
}

TEST_CASE("cgroup version 2: one hierarchy, controllers enabled from the top down") {
  DMPM_NEEDS_ROOT();
  struct Case {
    std::string settings, controller, file, value;
  };
  const Case cases[] = {
      {R"({ "memory_max": "512M" })", "memory", "memory.max", "536870912"},
      {R"({ "cpus": 1.5 })", "cpu", "cpu.max", "150000 100000"},
      {R"({ "processes": 100 })", "pids", "pids.max", "100"},
  };
  for (const Case& test : cases) {
    CAPTURE(test.file);
    Play play("cgroup");
    CHECK(play.apply(test.settings, DMPM_BEFORE_ROOT) ==
          "no cgroup2 is mounted on /sys/fs/cgroup or its unified/");
    const std::string top = "sys/fs/cgroup/", group = top + "dmpm/alice/",
                      worker = group + "7.4711/";
    play.make(top + "cgroup.controllers", "cpu memory pids");
    play.make(worker + "cgroup.procs");
    CHECK(play.apply(test.settings, DMPM_BEFORE_ROOT) == std::string("enabling the controller ") +
                                                             test.controller +
                                                             ": No such file or directory");
    CHECK(play.said(worker + "cgroup.procs") == "0");
    play.make(top + "cgroup.subtree_control");
    play.make(top + "dmpm/cgroup.subtree_control");
    play.make(group + test.file);
    CHECK(play.apply(test.settings, DMPM_BEFORE_ROOT).empty());
    CHECK(play.said(top + "cgroup.subtree_control") == std::string("+") + test.controller);
    CHECK(play.said(top + "dmpm/cgroup.subtree_control") == std::string("+") + test.controller);
    CHECK(play.said(group + test.file) == test.value);
  }
}

TEST_CASE("cgroup: only what the worker left is killed, and only empty directories go") {
  DMPM_NEEDS_ROOT();
  Play play("cgroup");
  const std::string top = "sys/fs/cgroup/", worker = top + "dmpm/alice/7.4711/";
  play.make(top + "cgroup.controllers");
  // Nothing of it is there: as after a start that failed early.
  CHECK(play.apply("{}", DMPM_ENDED).empty());
  play.make(worker + "cgroup.kill");
  play.make(worker + "cgroup.events", "populated 0\nfrozen 0\n");
  play.make(top + "dmpm/alice/8.4712/cgroup.kill");
  // A real one's files do not keep it from being removed.
  CHECK(play.apply("{}", DMPM_ENDED).ends_with("7.4711: Directory not empty"));
  CHECK(play.said(worker + "cgroup.kill") == "1");
  CHECK(play.said(top + "dmpm/alice/8.4712/cgroup.kill").empty());
}

}  // namespace
}  // namespace dmpm::master::test
