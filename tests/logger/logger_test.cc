// The whole Logger on an event loop, with the test as master, dispatchers and workers.
#include "logger/logger.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <numeric>

#include "base/channel.h"
#include "base/wire.h"
#include "logger/limits.h"
#include "logger/protocol.h"
#include "tests/logger/exchanges.h"
#include "tests/logger/fixture.h"

using namespace dmpm;
using logger_protocol::LoggerNotice;
using Lines = std::vector<std::string>;

namespace {

class Harness {
 public:
  Harness() {
    auto master = Channel::pair();
    auto dispatchers = Channel::pair();
    auto exchanges = Channel::pair();
    REQUIRE(master.ok());
    REQUIRE(dispatchers.ok());
    REQUIRE(exchanges.ok());
    master_ = std::move(master->ours);
    dispatchers_ = std::move(dispatchers->ours);
    exchanges_ = std::move(exchanges->ours);
    logger_ =
        std::make_unique<Logger>(loop, std::move(master->theirs), std::move(dispatchers->theirs),
                                 std::move(exchanges->theirs), directory.descriptor());
    REQUIRE(logger_->start().ok());
  }

  void tell(const std::string& message) { send(master_, message); }
  void as_dispatcher(const std::string& message) { send(dispatchers_, message); }
  void tell_exchanges(const std::string& message) { send(exchanges_, message); }
  void hang_up_all() {
    for (Fd* channel : {&dispatchers_, &exchanges_, &master_}) channel->reset();
  }
  // Until the logger ends by itself.
  void finish() { loop.run(); }
  bool until(const std::function<bool()>& condition) { return test::run_until(loop, condition); }
  bool until_line(const std::string& file, const std::string& line) {
    return until([&] { return std::ranges::count(directory.lines(file), line) > 0; });
  }

  test::LogDirectory directory;
  EventLoop loop;

 private:
  static void send(const Fd& fd, const std::string& message) {
    REQUIRE(::send(fd.get(), message.data(), message.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(message.size()));
  }
  Fd master_, dispatchers_, exchanges_;
  std::unique_ptr<Logger> logger_;
};

const std::string kStop = test::plain_message(LoggerNotice::stop);
const std::string kReopen = test::plain_message(LoggerNotice::reopen);

// N of "N lines dropped: ..." over all lines of a file.
uint64_t reported_dropped(const Lines& lines) {
  constexpr std::string_view kBefore = "warning logger: ";
  uint64_t sum = 0;
  for (const std::string& line : lines) {
    if (!line.starts_with(kBefore) || line.find(" lines dropped: ") == std::string::npos) continue;
    uint64_t count = 0;
    std::from_chars(line.data() + kBefore.size(), line.data() + line.size(), count);
    sum += count;
  }
  return sum;
}

}  // namespace

TEST_CASE("the master's lines and a worker's, in their files") {
  Harness harness;
  const Fd worker = harness.directory.make_pipe("1");
  harness.tell(test::line_message("info master: started"));
  harness.tell(test::open_message(1, "alice", "1"));
  test::write_all(worker, "PHP Warning: \x1b[31mred\nhalf a ");
  CHECK(harness.until_line("workers/alice.log", "PHP Warning: \\x1b[31mred"));
  test::write_all(worker, "line\nat the end");
  harness.tell(kStop);
  harness.finish();
  CHECK(harness.directory.lines("dmpm.log") == Lines{"info master: started"});
  CHECK(harness.directory.lines("workers/alice.log") ==
        Lines{"PHP Warning: \\x1b[31mred", "half a line", "at the end"});
}

TEST_CASE("closing a worker's log reads what is still in its pipe") {
  Harness harness;
  const Fd worker = harness.directory.make_pipe("1");
  harness.tell(test::open_message(1, "alice", "1"));
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i) + "\n";
  test::write_all(worker, text);
  harness.tell(test::close_message(1));
  harness.tell(test::line_message("info master: closed"));
  CHECK(harness.until_line("dmpm.log", "info master: closed"));
  CHECK(harness.directory.lines("workers/alice.log").size() == 2000);
}

TEST_CASE("two workers of a group share its file; another group's is untouched") {
  Harness harness;
  const Fd first = harness.directory.make_pipe("1");
  const Fd second = harness.directory.make_pipe("2");
  const Fd other = harness.directory.make_pipe("3");
  harness.tell(test::open_message(1, "alice", "1"));
  harness.tell(test::open_message(2, "alice", "2"));
  harness.tell(test::open_message(3, "bob", "3"));
  test::write_all(first, "half of the first");
  test::write_all(second, "second\n");
  CHECK(harness.until_line("workers/alice.log", "second"));
  test::write_all(first, " worker's\n");
  CHECK(harness.until_line("workers/alice.log", "half of the first worker's"));
  harness.tell(test::close_message(1));
  test::write_all(second, "alone\n");
  CHECK(harness.until_line("workers/alice.log", "alone"));
  CHECK_FALSE(harness.directory.exists("workers/bob.log"));
}

TEST_CASE("a worker that goes and comes back on the same pipe is heard, and nothing spins") {
  Harness harness;
  Fd worker = harness.directory.make_pipe("1");
  harness.tell(test::open_message(1, "alice", "1"));
  test::write_all(worker, "first\nwithout an end");
  CHECK(harness.until_line("workers/alice.log", "first"));
  worker.reset();  // the last writer
  CHECK(harness.until_line("workers/alice.log", "without an end"));
  const std::clock_t before = std::clock();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
  CHECK(harness.until([&] { return std::chrono::steady_clock::now() > deadline; }));
  CHECK(std::clock() - before < CLOCKS_PER_SEC / 10);
  worker = Fd(::open((harness.directory.path() + "/.pipes/1").c_str(), O_WRONLY | O_NONBLOCK));
  REQUIRE(worker);
  test::write_all(worker, "second\n");
  CHECK(harness.until_line("workers/alice.log", "second"));
}

TEST_CASE("a flood is capped and counted, and another group's line passes at once") {
  Harness harness;
  const Fd flood = harness.directory.make_pipe("1");
  const Fd quiet = harness.directory.make_pipe("2");
  harness.tell(test::open_message(1, "flood", "1"));
  harness.tell(test::open_message(2, "quiet", "2"));
  uint64_t sent = 0;
  const std::string line = "xxxxxxx\n";  // divides a pipe's size: no line is written in part
  const auto write_more = [&] {
    while (::write(flood.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
      ++sent;
    }
    return sent > 60'000;
  };
  CHECK(harness.until(write_more));
  test::write_all(quiet, "me too\n");
  CHECK(harness.until_line("workers/quiet.log", "me too"));
  harness.tell(kStop);
  harness.finish();
  const Lines lines = harness.directory.lines("workers/flood.log");
  const auto written = static_cast<uint64_t>(std::ranges::count(lines, "xxxxxxx"));
  CHECK(written >= 5000);
  CHECK(written < sent / 2);
  CHECK(written + reported_dropped(lines) == sent);
}

TEST_CASE("a flood of few long lines is capped by its bytes") {
  Harness harness;
  const Fd flood = harness.directory.make_pipe("1");
  harness.tell(test::open_message(1, "flood", "1"));
  uint64_t sent = 0;
  const std::string line = std::string(8191, 'x') + "\n";  // divides a pipe's size
  const auto write_more = [&] {
    while (::write(flood.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
      ++sent;
    }
    return sent > 2'500;  // 20 MiB, but only half as many lines as are let through at once
  };
  CHECK(harness.until(write_more));
  harness.tell(kStop);
  harness.finish();
  const Lines lines = harness.directory.lines("workers/flood.log");
  const auto written = static_cast<uint64_t>(std::ranges::count(lines, std::string(8191, 'x')));
  CHECK(written >= 1'000);
  CHECK(written < sent * 9 / 10);
  CHECK(written + reported_dropped(lines) == sent);
}

TEST_CASE("exchanges are written as the master has said just before, and the rest is reported") {
  Harness harness;
  WireWriter common, host;
  common.u32(static_cast<uint32_t>(LoggerNotice::access_log)).string("all.log").string("$status");
  host.u32(static_cast<uint32_t>(LoggerNotice::host_logs));
  host.u32(7).string("a.test").string("alice").u32(1).string("a.log").string("$group");
  host.u32(8).string("b.test").string("bob").u32(0).string("b.log").string("$group");
  // The dispatcher's message lies in its channel before the master's has been read.
  harness.tell_exchanges(test::message({test::plain_exchange()}, 3));
  harness.tell(common.take());
  harness.tell(host.take());
  harness.tell_exchanges("nonsense");
  harness.tell_exchanges(std::string(150'000, 'x'));
  harness.tell_exchanges(test::message({test::plain_exchange()}));
  CHECK(harness.until(
      [&] { return harness.directory.read("dmpm.log").find("malformed") != std::string::npos; }));
  CHECK(harness.directory.read("all.log") == "200\n200\n");
  CHECK(harness.directory.read("sites/a.log") == "alice\nalice\n");
  CHECK_FALSE(harness.directory.exists("sites/b.log"));
  CHECK(
      harness.directory.lines("dmpm.log") ==
      Lines{"warning logger: 3 requests are missing from the access logs: the logger was too slow",
            "warning logger: 2 malformed records of requests from a dispatcher"});
  // What comes last is written, too.
  harness.tell_exchanges(test::message({test::plain_exchange()}));
  harness.tell(kStop);
  harness.finish();
  CHECK(harness.directory.read("all.log") == "200\n200\n200\n");
}

TEST_CASE("dispatchers are heard, but not in the name of others, and nothing they send breaks it") {
  Harness harness;
  harness.as_dispatcher(test::line_message("info dispatcher 1: hello"));
  harness.as_dispatcher(test::line_message("error master: all is lost"));
  harness.as_dispatcher(test::line_message("info dispatcher: a\n2026-01-01T00:00:00.000Z b"));
  harness.as_dispatcher("");
  harness.as_dispatcher("abc");
  harness.as_dispatcher(std::string(150'000, 'x'));
  harness.as_dispatcher(kStop);  // the master's word only
  harness.as_dispatcher(test::line_message("x") + "more");
  harness.as_dispatcher(test::line_message("warning dispatcher: last"));
  CHECK(harness.until_line("dmpm.log", "warning dispatcher: last"));
  const Lines lines = harness.directory.lines("dmpm.log");
  REQUIRE(lines.size() == 9);
  CHECK(lines[0] == "info dispatcher 1: hello");
  CHECK(lines[1] == "warning dispatcher [in the name of another]: error master: all is lost");
  CHECK(lines[2] == "info dispatcher: a\\x0a2026-01-01T00:00:00.000Z b");
  for (size_t i = 3; i < 8; ++i)
    CHECK(lines[i].starts_with("warning logger: malformed message of "));
}

TEST_CASE("reopen moves every file on") {
  Harness harness;
  const Fd worker = harness.directory.make_pipe("1");
  harness.tell(test::open_message(1, "alice", "1"));
  test::write_all(worker, "old\n");
  CHECK(harness.until_line("workers/alice.log", "old"));
  const std::string path = harness.directory.path();
  std::filesystem::rename(path + "/dmpm.log", path + "/dmpm.log.1");
  std::filesystem::rename(path + "/workers/alice.log", path + "/workers/alice.log.1");
  harness.tell(kReopen);
  CHECK(harness.until_line("dmpm.log", "info logger: log files reopened"));
  test::write_all(worker, "new\n");
  CHECK(harness.until_line("workers/alice.log", "new"));
  CHECK(harness.directory.lines("workers/alice.log.1") == Lines{"old"});
}

TEST_CASE("a pipe that is missing or no FIFO is reported, and the rest goes on") {
  Harness harness;
  const std::string path = harness.directory.path();
  REQUIRE(Fd(::creat((path + "/.pipes/file").c_str(), 0644)));
  harness.tell(test::open_message(1, "alice", "missing"));
  harness.tell(test::open_message(2, "alice", "file"));
  harness.tell(test::close_message(1));
  harness.tell(test::close_message(77));
  harness.tell(std::string("\1\2", 2));
  harness.tell(test::plain_message(LoggerNotice::open_worker_log));
  harness.tell(kStop);
  harness.finish();
  CHECK(harness.directory.lines("dmpm.log") ==
        Lines{"error logger: no log of group alice: open .pipes/missing: No such file or directory",
              "error logger: no log of group alice: .pipes/file is not a FIFO",
              "error logger: unexpected message from the master"});
}

TEST_CASE("the end of the master ends the logger, with everything written") {
  Harness harness;
  const Fd worker = harness.directory.make_pipe("1");
  harness.tell(test::open_message(1, "alice", "1"));
  harness.tell(test::line_message("error master: dying"));
  for (int i = 0; i < 100; ++i) {
    harness.as_dispatcher(test::line_message("info dispatcher: " + std::to_string(i)));
  }
  test::write_all(worker, "last words");
  harness.hang_up_all();  // what comes behind the last lines looks like empty messages without end
  harness.finish();
  CHECK(harness.directory.lines("dmpm.log").size() == 101);
  CHECK(harness.directory.lines("workers/alice.log") == Lines{"last words"});
}
