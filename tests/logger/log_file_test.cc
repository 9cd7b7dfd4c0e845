#include "logger/log_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "tests/logger/fixture.h"

using namespace dmpm;
using Lines = std::vector<std::string>;

namespace {

// While it lives, no file of this process grows beyond `size`: what a full disk looks like.
class FullDisk {
 public:
  explicit FullDisk(rlim_t size) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{size, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("the lines of a round are one write, and no file is made before the first") {
  test::LogDirectory directory;
  const Fd descriptor = directory.descriptor();
  EventLoop loop;
  LogFile file(loop, descriptor.get(), "a.log");
  CHECK_FALSE(directory.exists("a.log"));
  file.append("one");
  file.append("two\nforged");
  CHECK_FALSE(directory.exists("a.log"));
  CHECK(test::run_until(loop, [&] { return directory.exists("a.log"); }));
  CHECK(directory.lines("a.log") == Lines{"one", "two\\x0aforged"});
  struct stat status {};
  REQUIRE(::stat((directory.path() + "/a.log").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777 & ~0640U) == 0);
}

TEST_CASE("reopening leaves the moved file alone and appends to what is there") {
  test::LogDirectory directory;
  const Fd descriptor = directory.descriptor();
  EventLoop loop;
  LogFile file(loop, descriptor.get(), "a.log");
  file.append("old");
  file.flush();
  std::filesystem::rename(directory.path() + "/a.log", directory.path() + "/a.log.1");
  file.append("still old");
  file.reopen();
  file.append("new");
  file.flush();
  file.reopen();
  file.append("appended");
  file.flush();
  CHECK(directory.lines("a.log.1") == Lines{"old", "still old"});
  CHECK(directory.lines("a.log") == Lines{"new", "appended"});
}

TEST_CASE("a symbolic link in the place of a file is not followed") {
  test::LogDirectory directory;
  const Fd descriptor = directory.descriptor();
  EventLoop loop;
  std::filesystem::create_symlink("target", directory.path() + "/a.log");
  LogFile file(loop, descriptor.get(), "a.log");
  CHECK_FALSE(file.open().ok());
  file.append("text");
  file.flush();
  CHECK_FALSE(directory.exists("target"));
}

TEST_CASE("what a full disk costs is said as soon as there is room") {
  test::LogDirectory directory;
  const Fd descriptor = directory.descriptor();
  EventLoop loop;
  LogFile file(loop, descriptor.get(), "a.log");
  file.append("before");
  file.flush();
  {
    // Room for 10 bytes more: the next line is torn.
    const FullDisk full(directory.read("a.log").size() + 10);
    file.append("torn");
    file.flush();
    file.append("lost");
    file.append("lost too");
    file.flush();
  }
  // Nothing more needs to be said for the report to come.
  CHECK(test::run_until(loop, [&] {
    return directory.read("a.log").find("3 lines were lost: ") != std::string::npos;
  }));
  file.append("after");
  file.flush();
  const std::string content = directory.read("a.log");
  CHECK(content.find("before\n") != std::string::npos);
  CHECK(content.find("lost too") == std::string::npos);
  CHECK(content.find("\n20", content.find("before\n") + 8) != std::string::npos);
  CHECK(content.ends_with("Z after\n"));
}

TEST_CASE("a directory that is not there costs lines, not the process") {
  test::LogDirectory directory;
  const Fd descriptor = directory.descriptor();
  EventLoop loop;
  LogFile file(loop, descriptor.get(), "workers/a.log");
  file.append("lost");
  file.flush();
  std::filesystem::create_directory(directory.path() + "/workers");
  file.append("written");
  file.flush();
  const Lines lines = directory.lines("workers/a.log");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] ==
        "warning logger: 1 lines were lost: open workers/a.log: No such file or directory");
  CHECK(lines[1] == "written");
}
