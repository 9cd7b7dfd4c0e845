// What a worker's process is and has: seen from inside, by dmpm-test_worker's report.
#include "master/worker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <sstream>

#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

using protocol::Notice;
using protocol::RequestType;

struct Report {
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> environment;
};

Report parse(const std::string& text) {
  Report report;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool variable = line.starts_with("env ");
    if (variable) line = line.substr(4);
    const size_t equals = line.find('=');
    (variable ? report.environment : report.values)[line.substr(0, equals)] =
        line.substr(equals + 1);
  }
  return report;
}

// Starts a worker of the only group and returns its report.
Report start_and_report(House& house, const config::Group& group) {
  house.configure({group});
  Player& dispatcher = *house.players[0];
  dispatcher.say(RequestType::want_worker, 1);
  const Ready ready = parse_ready(dispatcher.hear(Notice::worker_ready));
  return parse(ask(house.loop, house.socket(ready), "report"));
}

TEST_CASE("a worker has its group's rights and nothing else") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  group.permissions.supplementary_groups = {61005, 61006};
  group.permissions.umask = 077;
  group.permissions.resource_limits = {{RLIMIT_NOFILE, 99}, {RLIMIT_CORE, 0}};
  group.worker.directory = house.directory.path();
  group.worker.environment = {{"COLOUR", "green"}, {"HOME", "/elsewhere"}};
  // What the master has open and ignores must not be seen.
  const Fd leak(::dup(0)), high(::fcntl(0, F_DUPFD, 700));
  std::signal(SIGPIPE, SIG_IGN);
  const Report report = start_and_report(house, group);
  std::signal(SIGPIPE, SIG_DFL);

  const std::map<std::string, std::string> expected = {
      {"pid", report.values.at("pid")},
      {"session", report.values.at("pid")},
      {"uids", "61001 61001 61001"},
      {"gids", "61001 61001 61001"},
      {"groups", "61005 61006 "},
      {"fds", "0 1 2 3 "},
      {"cwd", house.directory.path()},
      {"umask", "77"},
      {"nofile", "99"},
      {"no_new_privs", "1"},
      {"blocked", "0000000000000000"},
      {"ignored", "0000000000000000"},
      {"capabilities", "0000000000000000"},
      {"setuid0", "-1"},
      {"reopen_stderr", "1"},
  };
  for (const auto& entry : expected) {
    INFO(entry.first);
    CHECK(report.values.at(entry.first) == entry.second);
  }
  CHECK(report.values.size() == expected.size());
  const std::map<std::string, std::string> environment = {
      {"PATH", "/usr/local/bin:/usr/bin:/bin"},
      {"HOME", "/elsewhere"},
      {"USER", "worker-user"},
      {"LOGNAME", "worker-user"},
      {"COLOUR", "green"},
      {"LISTEN_FDS", "1"},
      {"LISTEN_FDNAMES", "alice"},
      {"LISTEN_PID", report.values.at("pid")},
  };
  CHECK(report.environment == environment);
}

TEST_CASE("without limits of its own a worker has those from before the master raised them") {
  DMPM_NEEDS_ROOT();
  House house;
  const Report report = start_and_report(house, make_group(house.directory, "alice"));
  CHECK(report.values.at("nofile") == "512");
  CHECK(report.environment.at("HOME") == "/");
}

TEST_CASE("activation dialects") {
  DMPM_NEEDS_ROOT();
  using config::Activation;
  struct Case {
    const char* what;
    Activation activation;
    std::vector<std::string> options;
    std::string fds;
    std::map<std::string, std::string> variables;  // beside PATH, HOME, USER, LOGNAME
  };
  const Case cases[] = {
      {"nginx", Activation::nginx, {}, "0 1 2 3 ", {{"NGINX", "3;"}}},
      {"argument", Activation::argument, {"--fd", "{fd}"}, "0 1 2 3 ", {}},
      {"stdin", Activation::stdin_fd, {"--fd", "0"}, "0 1 2 ", {}},
  };
  for (const Case& test : cases) {
    INFO(test.what);
    House house;
    config::Group group = make_group(house.directory, "alice", test.options);
    group.worker.activation = test.activation;
    Report report = start_and_report(house, group);
    CHECK(report.values["fds"] == test.fds);
    for (const char* name : {"PATH", "HOME", "USER", "LOGNAME"}) report.environment.erase(name);
    CHECK(report.environment == test.variables);
  }
}

TEST_CASE("a worker in a root directory of its own") {
  DMPM_NEEDS_ROOT();
  for (const bool with_directory : {false, true}) {
    House house;
    config::Group group = make_group(house.directory, "alice");
    const std::string root = house.directory / "root";
    group.permissions.root = root;
    group.worker.directory = "/inner";
    ::mkdir(root.c_str(), 0755);
    if (with_directory) ::mkdir((root + "/inner").c_str(), 0755);
    house.configure({group});
    Player& dispatcher = *house.players[0];
    dispatcher.say(RequestType::want_worker, 1);
    // The program is outside, so the exec proves that the root has changed.
    CHECK(parse_failed(dispatcher.hear(Notice::worker_failed)).reason ==
          (with_directory ? "exec " + group.worker.command[0] : "chdir to /inner") +
              ": No such file or directory");
  }
}

TEST_CASE("why a start failed is told exactly") {
  DMPM_NEEDS_ROOT();
  using Change = std::function<void(House&, config::Group&)>;
  struct Case {
    Change change;
    std::string reason;
  };
  const Case cases[] = {
      {[](House&, auto& g) { g.worker.command = {"/no/such/program"}; },
       "exec /no/such/program: No such file or directory"},
      {[](House& h, auto& g) {
         g.worker.command = {h.directory / "not-executable"};
         write_file(g.worker.command[0], "x", 0644);
       },
       "not-executable: Permission denied"},
      {[](House& h, auto& g) {
         g.worker.directory = h.directory / "closed";
         ::mkdir(g.worker.directory.c_str(), 0700);
       },
       "closed: Permission denied"},
      {[](House&, auto& g) { g.permissions.root = "/no/such/root"; },
       "chdir to /no/such/root: No such file or directory"},
      {[](House&, auto& g) {
         g.permissions.resource_limits = {{999, 1}};
       },
       "setrlimit of the group's limits: Invalid argument"},
      {[](House&, auto& g) { g.permissions.identity.uid = 0; }, "refused"},
      {[](House&, auto& g) { g.permissions.identity.gid = kDispatcherGid; }, "refused"},
      {[](House&, auto& g) {
         g.permissions.supplementary_groups = {5, kLoggerGid};
       },
       "refused"},
      {[](House& h, auto&) { ::rmdir(h.sockets.c_str()); }, "No such file or directory"},
  };
  for (const Case& test : cases) {
    INFO(test.reason);
    House house;
    config::Group group = make_group(house.directory, "alice");
    test.change(house, group);
    house.configure({group});
    house.players[0]->say(RequestType::want_worker, 1);
    const Failed failed = parse_failed(house.players[0]->hear(Notice::worker_failed));
    CHECK(failed.group == 1);
    CHECK(failed.retry_after == 2000);
    CHECK_MESSAGE(failed.reason.ends_with(test.reason), failed.reason);
    CHECK(house.captured.has(test.reason));
  }
}

void check_is_log_pipe(const struct stat& pipe) {
  CHECK(S_ISFIFO(pipe.st_mode));
  CHECK((pipe.st_mode & 07777) == 0240);
  CHECK(pipe.st_uid == kWorkerUid);
  CHECK(pipe.st_gid == kLoggerGid);
}

TEST_CASE("socket and log pipe: who may use them, and that they go") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice", {"--exit", "1"})});
  Player& dispatcher = *house.players[0];
  dispatcher.say(RequestType::want_worker, 1);
  struct stat socket {
  }, pipe{};
  REQUIRE(run_until(house.loop, [&] { return !house.logs.empty(); }));
  REQUIRE(::stat((house.sockets + "/alice.1").c_str(), &socket) == 0);
  CHECK(S_ISSOCK(socket.st_mode));
  CHECK((socket.st_mode & 07777) == 0660);
  CHECK(socket.st_uid == 0);
  CHECK(socket.st_gid == kDispatcherGid);
  REQUIRE(::stat((house.pipes + "/alice.1").c_str(), &pipe) == 0);
  check_is_log_pipe(pipe);
  dispatcher.insist(1);
  CHECK(::access((house.sockets + "/alice.1").c_str(), F_OK) != 0);
  // The pipe stays for the logger for a while, with what the worker wrote.
  CHECK(house.logs == std::vector<std::string>{"open 1 alice .pipes/alice.1", "close 1"});
  CHECK(::access((house.pipes + "/alice.1").c_str(), F_OK) == 0);
  CHECK(run_until(house.loop,
                  [&] { return ::access((house.pipes + "/alice.1").c_str(), F_OK) != 0; }));
}

TEST_CASE("a worker that goes leaves a pipe for the next one, nobody's until then") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure(
      {make_group(house.directory, "alice", {"--exit", "1"}), make_group(house.directory, "bob")});
  Player& dispatcher = *house.players[0];
  dispatcher.say(RequestType::want_worker, 1);
  dispatcher.insist(1);
  const std::string spare = house.pipes + "/.spare";
  struct stat before {
  }, after{};
  REQUIRE(run_until(house.loop, [&] { return ::stat(spare.c_str(), &before) == 0; }));
  CHECK(S_ISFIFO(before.st_mode));
  CHECK((before.st_mode & 07777) == 0600);
  CHECK(before.st_uid == 0);
  dispatcher.say(RequestType::want_worker, 2);
  REQUIRE(run_until(house.loop, [&] { return house.logs.back().starts_with("open 2 bob"); }));
  REQUIRE(::stat((house.pipes + "/bob.2").c_str(), &after) == 0);
  check_is_log_pipe(after);
  CHECK(after.st_ino == before.st_ino);
  CHECK(::access(spare.c_str(), F_OK) != 0);
}

TEST_CASE("what a worker writes is in its pipe, even when it died before anybody read") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice")});
  Player& dispatcher = *house.players[0];
  dispatcher.say(RequestType::want_worker, 1);
  const Ready ready = parse_ready(dispatcher.hear(Notice::worker_ready));
  const Fd waiting = send_line(house.socket(ready), "exit 1");
  REQUIRE(run_until(house.loop, [&] { return house.captured.has("exited with status 1"); }));
  const Fd logger(::open((house.pipes + "/alice.1").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  char text[64];
  const ssize_t size = ::read(logger.get(), text, sizeof text);
  REQUIRE(size > 0);
  CHECK(std::string(text, static_cast<size_t>(size)).starts_with("worker is up\n"));
}

}  // namespace
}  // namespace dmpm::master::test
