// dmpm-logger as the master starts it. Needs root.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/channel.h"
#include "logger/protocol.h"
#include "tests/base/exit_status.h"
#include "tests/logger/fixture.h"

using namespace dmpm;
using logger_protocol::LoggerNotice;

namespace {

constexpr uid_t kUid = 61'234;  // any that is not 0: it need not have a name
constexpr gid_t kGid = 61'235;

class LoggerProcess {
 public:
  LoggerProcess() {
    auto master = Channel::pair();
    auto dispatchers = Channel::pair();
    auto exchanges = Channel::pair();
    REQUIRE(master.ok());
    REQUIRE(dispatchers.ok());
    REQUIRE(exchanges.ok());
    master_ = std::move(master->ours);
    dispatchers_ = std::move(dispatchers->ours);
    exchanges_ = std::move(exchanges->ours);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      run(std::move(master->theirs), std::move(dispatchers->theirs), std::move(exchanges->theirs));
    }
  }
  ~LoggerProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  LoggerProcess(const LoggerProcess&) = delete;
  LoggerProcess& operator=(const LoggerProcess&) = delete;

  pid_t pid() const { return pid_; }
  void tell(const std::string& message) const {
    CHECK(::send(master_.get(), message.data(), message.size(), MSG_NOSIGNAL) > 0);
  }
  void hang_up() { master_.reset(); }
  int wait() { return test::exit_status(pid_); }

 private:
  [[noreturn]] static void run(Fd master, Fd dispatchers, Fd exchanges) {
    // Out of the way of 3, 4 and 5 first.
    const int high_master = ::fcntl(master.get(), F_DUPFD, 10);
    const int high_dispatchers = ::fcntl(dispatchers.get(), F_DUPFD, 10);
    const int high_exchanges = ::fcntl(exchanges.get(), F_DUPFD, 10);
    ::dup2(high_master, 3);
    ::dup2(high_dispatchers, 4);
    ::dup2(high_exchanges, 5);
    ::syscall(SYS_close_range, 6, ~0U, 0);
    char* const nothing[] = {nullptr};
    ::execle(DMPM_LOGGER, "dmpm-logger", nullptr, nothing);
    ::_exit(127);
  }
  Fd master_, dispatchers_, exchanges_;
  pid_t pid_ = -1;
};

// What follows `key` on its line of /proc/PID/FILE.
std::string proc_line(pid_t pid, const std::string& name, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return {};
}

std::string proc_status(pid_t pid, const std::string& key) {
  return proc_line(pid, "status", key + ":\t");
}

bool is_root() {
  if (::geteuid() == 0) return true;
  MESSAGE("SKIPPED: needs root");
  return false;
}

// The log directory as the master makes it.
void give_away(const test::LogDirectory& directory) {
  REQUIRE(::chown(directory.path().c_str(), kUid, kGid) == 0);
}

bool wait_for_file(const test::LogDirectory& directory, const std::string& name) {
  EventLoop loop;
  return test::run_until(loop, [&] { return !directory.read(name).empty(); });
}

}  // namespace

TEST_CASE("the logger gives up everything that it does not need") {
  if (!is_root()) return;
  test::LogDirectory directory;
  give_away(directory);
  LoggerProcess logger;
  logger.tell(test::welcome_message(kUid, kGid, directory.path()));
  logger.tell(test::line_message("info master: hello"));
  REQUIRE(wait_for_file(directory, "dmpm.log"));
  CHECK(proc_status(logger.pid(), "Uid") == "61234\t61234\t61234\t61234");
  CHECK(proc_status(logger.pid(), "Gid") == "61235\t61235\t61235\t61235");
  CHECK(proc_status(logger.pid(), "Groups").find_first_not_of(' ') == std::string::npos);
  CHECK(proc_status(logger.pid(), "CapEff") == "0000000000000000");
  CHECK(proc_status(logger.pid(), "CapPrm") == "0000000000000000");
  CHECK(proc_status(logger.pid(), "NoNewPrivs") == "1");
  char root[4096] = "";
  const std::string link = "/proc/" + std::to_string(logger.pid()) + "/root";
  CHECK(::readlink(link.c_str(), root, sizeof root - 1) > 0);
  CHECK(directory.path() == root);
  CHECK(proc_line(logger.pid(), "limits", "Max processes").starts_with("             0 "));
  struct stat file {};
  REQUIRE(::stat((directory.path() + "/dmpm.log").c_str(), &file) == 0);
  CHECK(file.st_uid == kUid);
  CHECK((file.st_mode & 07777) == 0640);
  logger.tell(test::plain_message(LoggerNotice::stop));
  CHECK(logger.wait() == 0);
}

TEST_CASE("signals do not end the logger, the end of the master does") {
  if (!is_root()) return;
  test::LogDirectory directory;
  give_away(directory);
  LoggerProcess logger;
  logger.tell(test::welcome_message(kUid, kGid, directory.path()));
  logger.tell(test::line_message("info master: first"));
  REQUIRE(wait_for_file(directory, "dmpm.log"));
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::kill(logger.pid(), number);
  logger.tell(test::line_message("info master: last"));
  logger.hang_up();
  CHECK(logger.wait() == 0);
  CHECK(directory.lines("dmpm.log") ==
        std::vector<std::string>{"info master: first", "info master: last"});
}

TEST_CASE("a wrong start ends at once with status 1") {
  if (!is_root()) return;
  SUBCASE("no welcome") {
    LoggerProcess logger;
    logger.tell(test::line_message("info master: too early"));
    CHECK(logger.wait() == 1);
  }
  SUBCASE("no master") {
    LoggerProcess logger;
    logger.hang_up();
    CHECK(logger.wait() == 1);
  }
  SUBCASE("no directory") {
    LoggerProcess logger;
    logger.tell(test::welcome_message(kUid, kGid, "/nonexistent"));
    CHECK(logger.wait() == 1);
  }
  SUBCASE("a directory that it may not write to") {
    test::LogDirectory directory;
    LoggerProcess logger;
    logger.tell(test::welcome_message(kUid, kGid, directory.path()));
    CHECK(logger.wait() == 1);
  }
}
