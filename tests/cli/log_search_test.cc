#include "cli/log_search.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "tests/cli/fixture.h"

using namespace dmpm;
using namespace dmpm::cli;
using namespace dmpm::cli::test;

namespace {

// Ten lines a second, from 2026-11-25T00:00:00Z on.
constexpr int64_t kFirst = 1'795'564'800'000;

std::string line(int i) {
  char text[128];
  std::snprintf(text, sizeof text, "2026-11-25T%02d:%02d:%02d.%d00Z info master: line %d\n",
                i / 36'000, i / 600 % 60, i / 10 % 60, i % 10, i);
  return text;
}

std::string lines(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += line(i);
  return all;
}

std::string without_newline(std::string text) {
  text.pop_back();
  return text;
}

bool any(std::string_view) {
  return true;
}

}  // namespace

TEST_CASE("the time of a line") {
  CHECK(time_of("2026-11-25T00:00:00.000Z x") == kFirst);
  CHECK(time_of("2026-11-25T00:00:01.042Z") == kFirst + 1'042);
  for (const char* none : {"", "2026-11-25", "2026-11-25T00:00:00.000", "2026-11-25 00:00:00.000Z",
                           "x026-11-25T00:00:00.000Z", "2026-11-25T00:00:00,000Z"}) {
    CAPTURE(none);
    CHECK_FALSE(time_of(none));
  }
}

TEST_CASE("the last line with a word, over blocks") {
  const Directory directory;
  // 3.6 MB: the word is in several blocks, and once across the border of two.
  directory.write("a.log", lines(72'000) + "2026-11-25T23:00:00.000Z needle\n" + lines(72'000));
  auto log = LogFile::open(directory.path(), "a.log");
  REQUIRE(log.ok());
  CHECK(log->last_line_with("needle") == "2026-11-25T23:00:00.000Z needle");
  CHECK(log->last_line_with("line 71999") == without_newline(line(71'999)));
  CHECK(log->last_line_with("line 0\n") == without_newline(line(0)));
  CHECK_FALSE(log->last_line_with("line 72000"));
  for (const size_t before : {(1U << 20) - 3, 1U << 20, (1U << 20) + 3}) {
    std::string text = lines(40'000);
    const size_t at = text.size() - before;
    text.replace(at, 6, "needle");
    directory.write("b.log", text);
    CAPTURE(before);
    auto b = LogFile::open(directory.path(), "b.log");
    const auto found = b->last_line_with("needle");
    REQUIRE(found);
    CHECK(text.find(*found + "\n") != std::string::npos);
  }
}

TEST_CASE("lines of a time") {
  const Directory directory;
  directory.write("a.log", lines(10'000));
  auto log = LogFile::open(directory.path(), "a.log");
  REQUIRE(log.ok());
  for (const int first : {0, 1, 777, 9'997}) {
    CAPTURE(first);
    const int64_t from = kFirst + first * 100;
    CHECK(log->between(from, from + 200, any, 10) ==
          std::vector<std::string>{without_newline(line(first)), without_newline(line(first + 1)),
                                   without_newline(line(first + 2))});
  }
  CHECK(log->between(kFirst - 1000, kFirst - 1, any, 10).empty());
  CHECK(log->between(kFirst + 2'000'000, kFirst + 3'000'000, any, 10).empty());
  CHECK(log->between(kFirst, kFirst + 2'000'000, any, 3) ==
        std::vector<std::string>{without_newline(line(9'997)), without_newline(line(9'998)),
                                 without_newline(line(9'999))});
  const auto sevens = [](std::string_view text) { return text.ends_with("77"); };
  CHECK(log->between(kFirst, kFirst + 100'000, sevens, 100).size() == 10);
}

TEST_CASE("files that are no log") {
  const Directory directory;
  directory.write("empty.log", "");
  auto empty = LogFile::open(directory.path(), "empty.log");
  REQUIRE(empty.ok());
  CHECK_FALSE(empty->last_line_with("x"));
  CHECK(empty->between(0, INT64_MAX / 2, any, 3).empty());
  // No newline, no time, one line of 3 MB.
  directory.write("odd.log", "needle" + std::string(3 << 20, '\0'));
  auto odd = LogFile::open(directory.path(), "odd.log");
  REQUIRE(odd.ok());
  CHECK(odd->last_line_with("needle")->starts_with("needle"));
  CHECK(odd->between(0, INT64_MAX / 2, any, 3).empty());
  // What whoever took over the logger could put there.
  REQUIRE(::symlink("/etc/passwd", directory.file("link.log").c_str()) == 0);
  CHECK_FALSE(LogFile::open(directory.path(), "link.log").ok());
  REQUIRE(::mkfifo(directory.file("fifo.log").c_str(), 0600) == 0);
  CHECK(LogFile::open(directory.path(), "fifo.log").error().message ==
        directory.file("fifo.log") + " is not a regular file");
  CHECK_FALSE(LogFile::open(directory.path(), "none.log").ok());
}

TEST_CASE("a log and what logrotate made of it") {
  const Directory directory;
  int64_t age = 0;
  for (const char* name : {"dmpm.log", "dmpm.log.1", "dmpm.log-20261123"}) {
    directory.write(name, "x");
    const timespec times[2] = {{1'000'000 - age, 0}, {1'000'000 - age, 0}};
    REQUIRE(::utimensat(AT_FDCWD, directory.file(name).c_str(), times, 0) == 0);
    age += 1'000;
  }
  for (const char* name : {"dmpm.log.3.gz", "dmpm.log.4.zst", "dmpm.logs", "other.log"}) {
    directory.write(name, "x");
  }
  const LogFile::Names names = LogFile::of_log(directory.path(), "dmpm.log");
  CHECK(names.plain == std::vector<std::string>{"dmpm.log", "dmpm.log.1", "dmpm.log-20261123"});
  CHECK(names.compressed == std::vector<std::string>{"dmpm.log.3.gz", "dmpm.log.4.zst"});
  CHECK(LogFile::of_log("/nonexistent", "dmpm.log").plain.empty());
}
