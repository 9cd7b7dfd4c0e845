// The whole process, with the test in the places of dispatcher and logger.
#include "master/master.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/master/master_process.h"

namespace dmpm::master::test {
namespace {

using logger_protocol::LoggerNotice;
using protocol::Notice;
using protocol::RequestType;

// Users that every Debian has.
std::string configuration(const TemporaryDirectory& directory, const std::string& extra = "",
                          const std::string& worker_option = "") {
  make_group(directory, "unused");  // copies the worker
  write_file(directory / "chain", "never parsed here", 0644);
  write_file(directory / "key", "nor is this", 0600);
  return R"({
    "runtime_directory": ")" +
         (directory / "run") + R"(", "log_directory": ")" + (directory / "log") +
         R"(", "private_directories": ")" + (directory / "private") + R"(",
    "listen": [{"address": "127.0.0.1:0", "tls": true}, {"address": "[::1]:0"}],
    "dispatcher": {"user": "nobody", "group": "nogroup"},
    "keyholder": {"user": "daemon", "group": "daemon"}, "logger": {"user": "games", "group": "games"},
    "groups": {"alice": {
      "permissions": {"user": "www-data", "group": "www-data"},
      "worker": {"command": [")" +
         (directory / "worker") + "\"" + worker_option + R"(]}}},
    "virtual_hosts": [{"names": ["alice.test"], "group": "alice",
      "tls": {"certificate": ")" +
         (directory / "chain") + R"(", "key": ")" + (directory / "key") + R"("}}])" + extra + "}";
}

// Up to the line "ready".
struct Running {
  explicit Running(const TemporaryDirectory& directory)
      : master(directory, configuration(directory)),
        logger(master.next_logger()),
        dispatcher(master.next_dispatcher()) {
    dispatcher.hear(Notice::commit);
    dispatcher.say(RequestType::configured, 0, 0, 1);
    CHECK(master.wait_for("ready") == "ready");
  }
  MasterProcess master;
  RelayEnd logger, dispatcher;
};

TEST_CASE("start, a worker, and an orderly end") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  MasterProcess master(directory, configuration(directory));
  CHECK(master.wait_for("listening on https ").starts_with("listening on https 127.0.0.1:"));
  CHECK(master.wait_for("listening on http ").starts_with("listening on http [::1]:"));
  RelayEnd logger = master.next_logger();
  RelayEnd dispatcher = master.next_dispatcher();
  const auto told = [](const RelayEnd& end) {
    return end.inherited.substr(end.inherited.find(' ') + 1);
  };
  CHECK(told(logger) == "0 1 2 3 4 5 | PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C");
  CHECK(told(dispatcher) == "0 1 2 3 4 5 6 7 8 9 | PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C");
  CHECK(::getsid(dispatcher.pid()) == dispatcher.pid());

  const std::string welcome = logger.hear(LoggerNotice::welcome);
  WireReader fields(welcome);
  CHECK(fields.u32() == 5);  // games
  CHECK(fields.u32() == 60);
  CHECK(fields.string() == directory / "log");
  dispatcher.hear(Notice::welcome);
  dispatcher.hear(Notice::commit);
  dispatcher.say(RequestType::configured, 0, 0, 1);
  CHECK(master.wait_for("ready") == "ready");

  dispatcher.say(RequestType::want_worker, 1);
  const Ready ready = parse_ready(dispatcher.hear(Notice::worker_ready));
  EventLoop loop;
  const std::string report = ask(loop, directory / ("run/sockets/" + ready.socket), "report");
  CHECK(report.find("uids=33 33 33\n") != std::string::npos);
  CHECK(report.find("fds=0 1 2 3 \n") != std::string::npos);
  logger.hear(LoggerNotice::open_worker_log);

  master.signal(SIGUSR1);
  logger.hear(LoggerNotice::reopen);

  master.signal(SIGTERM);
  dispatcher.hear(Notice::drain);
  CHECK(ask(loop, directory / ("run/sockets/" + ready.socket), "drains") == "drains");
  dispatcher.say(RequestType::drained);
  dispatcher.say_bytes("exit 0");
  logger.hear(LoggerNotice::close_worker_log);
  logger.hear(LoggerNotice::stop);
  logger.say_bytes("exit 0");
  CHECK(master.wait_for_exit() == 0);
  CHECK(std::filesystem::is_empty(directory / "run/sockets"));
  CHECK(std::filesystem::is_empty(directory / "log/.pipes"));
}

TEST_CASE("nothing is started with a wrong configuration or arguments") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  MasterProcess master(directory, "{\n  \"listen\": 7\n}\n");
  CHECK(master.wait_for("dmpm.json:2:").starts_with(directory / "dmpm.json:2:"));
  CHECK(master.wait_for("dmpm-master: ") ==
        "dmpm-master: the configuration is wrong: nothing was started");
  CHECK(master.wait_for_exit() == 1);
  CHECK_FALSE(std::filesystem::exists(directory / "run"));
}

TEST_CASE("a second master on the same runtime directory is refused, the first goes on") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  Running first(directory);
  TemporaryDirectory elsewhere;
  MasterProcess second(elsewhere, configuration(directory));
  second.wait_for("another dmpm-master runs with the runtime directory");
  CHECK(second.wait_for_exit() == 1);
  first.dispatcher.say(RequestType::want_worker, 1);
  first.dispatcher.hear(Notice::worker_ready);
}

TEST_CASE("an offence ends the dispatcher; its successor finds the worker") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  Running running(directory);
  running.dispatcher.say(RequestType::want_worker, 1);
  const Ready ready = parse_ready(running.dispatcher.hear(Notice::worker_ready));
  running.dispatcher.say_bytes("malformed");
  CHECK(running.dispatcher.has_ended());
  running.master.wait_for("dispatcher 0 sent a request of the wrong size: killed");
  running.master.wait_for("was killed by SIGKILL; started again in 0 ms");
  RelayEnd next = running.master.next_dispatcher();
  next.hear(Notice::welcome);
  next.hear(Notice::group);
  next.hear(Notice::commit);
  next.say(RequestType::configured, 0, 0, 1);
  next.say(RequestType::want_worker, 1);
  CHECK(parse_ready(next.hear(Notice::worker_ready)).worker == ready.worker);
}

TEST_CASE("services that die are started again, later and later") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  Running running(directory);
  running.dispatcher.say(RequestType::want_worker, 1);
  running.dispatcher.hear(Notice::worker_ready);
  running.logger.say_bytes("exit 3");
  running.master.wait_for("exited with status 3; started again in 0 ms");
  RelayEnd logger = running.master.next_logger();
  logger.hear(LoggerNotice::welcome);
  logger.hear(LoggerNotice::open_worker_log);  // the open ones are told again
  logger.say_bytes("exit 3");
  running.master.wait_for("started again in 100 ms");
  running.master.next_logger().say_bytes("exit 3");
  running.master.wait_for("started again in 200 ms");
}

TEST_CASE("reload") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  Running running(directory);
  const std::string file = directory / "dmpm.json";

  write_file(file, "{ \"listen\": }");
  running.master.signal(SIGHUP);
  running.master.wait_for("dmpm.json:1:");
  CHECK(running.master.wait_for("reload failed") == "reload failed: nothing was changed");

  std::string other_user = configuration(directory);
  other_user.replace(other_user.find("\"games\""), 7, "\"mail\"");
  write_file(file, other_user);
  running.master.signal(SIGHUP);
  running.master.wait_for("user or group cannot be changed while dmpm runs");
  CHECK(running.master.wait_for("reload failed") == "reload failed: nothing was changed");

  write_file(file, configuration(directory));
  running.master.signal(SIGHUP);
  CHECK(running.master.wait_for("reload done") ==
        "reload done: 0 groups changed, 0 virtual hosts changed");
  running.dispatcher.hear(Notice::commit);
  running.dispatcher.say(RequestType::configured, 0, 0, 2);

  write_file(file, configuration(directory, "", ", \"--changed\""));
  running.master.signal(SIGHUP);
  CHECK(running.master.wait_for("reload done") ==
        "reload done: 1 groups changed, 1 virtual hosts changed");
  running.dispatcher.hear(Notice::group);
  running.dispatcher.hear(Notice::virtual_host);
  running.dispatcher.hear(Notice::remove_group);
  running.dispatcher.hear(Notice::commit);
  running.dispatcher.say(RequestType::configured, 0, 0, 3);
  running.dispatcher.say(RequestType::want_worker, 2);
  running.dispatcher.hear(Notice::worker_ready);
}

TEST_CASE("a second SIGTERM ends everything at once") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  Running running(directory);
  running.master.signal(SIGTERM);
  running.dispatcher.hear(Notice::drain);
  running.master.signal(SIGTERM);
  CHECK(running.master.wait_for_exit() == 0);
  CHECK(running.dispatcher.has_ended());
}

TEST_CASE("nothing outlives a killed master, and the next one cleans up") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  std::string socket;
  {
    Running running(directory);
    running.dispatcher.say(RequestType::want_worker, 1);
    socket = parse_ready(running.dispatcher.hear(Notice::worker_ready)).socket;
    running.master.signal(SIGKILL);
    running.master.wait_for_exit();
    CHECK(running.dispatcher.has_ended());
    CHECK(running.logger.has_ended());
    EventLoop loop;  // the worker got SIGTERM; nobody listens on its socket any more
    CHECK(run_until(loop,
                    [&] { return !send_line(directory / ("run/sockets/" + socket), "hello"); }));
    CHECK(std::filesystem::exists(directory / ("run/sockets/" + socket)));
  }
  Running next(directory);
  CHECK_FALSE(std::filesystem::exists(directory / ("run/sockets/" + socket)));
}

}  // namespace
}  // namespace dmpm::master::test
