// Who may write a file that decides what root does.
#include "config/trusted_files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "config/limits.h"
#include "tests/config/fixture.h"

namespace dmpm::config::test {
namespace {

std::string stamp_problem(const std::string& path) {
  const auto got = TrustedFiles().stamp(path);
  return got.ok() ? "" : got.error().message;
}
std::string read_problem(const std::string& path) {
  const auto got = TrustedFiles().read(path, 100);
  return got.ok() ? "" : got.error().message;
}
// Both ways must agree.
std::string problem(const std::string& path, const TemporaryDirectory& directory) {
  CHECK(stamp_problem(path) == read_problem(path));
  return replaced(stamp_problem(path), directory.path(), "@DIR@");
}
std::string owners() {
  return ::geteuid() == 0 ? "root" : concat({"root or uid ", std::to_string(::geteuid())});
}

TEST_CASE("modes of files and directories") {
  const TemporaryDirectory directory;
  directory.write("a/b/file", "text", 0644);
  const std::string file = directory.file("a/b/file");
  const std::string above = directory.file("a");
  CHECK(problem(file, directory).empty());
  CHECK(problem(directory.file("a/./b/../b//file"), directory).empty());
  for (const mode_t mode : {0400, 0600, 0640, 0644, 0755}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(problem(file, directory).empty());
  }
  for (const mode_t mode : {0664, 0646, 0666}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(problem(file, directory)
              .ends_with(", so that others than its owner may write to it; chmod go-w"));
  }
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  REQUIRE(::chmod(above.c_str(), 0775) == 0);
  CHECK(problem(file, directory) ==
        "\"@DIR@/a\" has mode 0775, so that others than its owner may write to it; chmod go-w");
  REQUIRE(::chmod(above.c_str(), 01777) == 0);
  CHECK(problem(file, directory).empty());
}

TEST_CASE("what is no regular file") {
  const TemporaryDirectory directory;
  directory.write("file", "text");
  CHECK(problem(directory.path(), directory) == "\"@DIR@\" is not a regular file");
  CHECK(problem(directory.path() + "/", directory) == "\"@DIR@\" is not a regular file");
  CHECK(problem(directory.file("file/x"), directory) == "\"@DIR@/file\" is not a directory");
  CHECK(problem(directory.file("none"), directory) ==
        "\"@DIR@/none\" cannot be opened: No such file or directory");
  CHECK(problem(directory.file("none/x"), directory) ==
        "\"@DIR@/none\" cannot be opened: No such file or directory");
  // Must not wait for a writer.
  REQUIRE(::mkfifo(directory.file("fifo").c_str(), 0644) == 0);
  CHECK(problem(directory.file("fifo"), directory) == "\"@DIR@/fifo\" is not a regular file");
  CHECK_FALSE(problem("/dev/null", directory).empty());
}

TEST_CASE("links are followed, and their way is checked") {
  const TemporaryDirectory directory;
  directory.write("archive/key", "text");
  std::filesystem::create_directories(directory.file("live"));
  std::filesystem::create_symlink("../archive/key", directory.file("live/key"));
  std::filesystem::create_symlink("live", directory.file("current"));
  std::filesystem::create_symlink(directory.file("current/key"), directory.file("key"));
  CHECK(problem(directory.file("live/key"), directory).empty());
  CHECK(problem(directory.file("current/key"), directory).empty());
  CHECK(problem(directory.file("key"), directory).empty());
  REQUIRE(::chmod(directory.file("archive").c_str(), 0777) == 0);
  CHECK(problem(directory.file("key"), directory) ==
        "\"@DIR@/archive\" has mode 0777, so that others than its owner may write to it; "
        "chmod go-w");
  std::filesystem::create_symlink("loop", directory.file("loop"));
  CHECK(problem(directory.file("loop"), directory) == "\"@DIR@/loop\" is one of too many links");
  CHECK(problem(directory.file("loop/x"), directory) == "\"@DIR@/loop\" is one of too many links");
}

TEST_CASE("one load sees many files of many directories as one of each sees them") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.file("bad"));
  std::filesystem::create_symlink(".", directory.file("itself"));
  directory.write("bad/a", "");
  directory.write("bad/b", "");
  REQUIRE(::chmod(directory.file("bad").c_str(), 0777) == 0);
  TrustedFiles files;
  for (size_t i = 0; i < limits::kMaxOpenDirectories + 10; ++i) {
    const std::string name = concat({"d", std::to_string(i)});
    std::filesystem::create_directories(directory.file(name));
    for (const char* file : {"/a", "/b", "/c"}) {
      directory.write(name + file, name + file);
      auto got = files.read(directory.file(name + file), 100);
      REQUIRE(got.ok());
      CHECK(got->text == name + file);
      CHECK(files.stamp(directory.file("itself/" + name + file)).value() == got->stamp);
      CHECK_FALSE(files.stamp(directory.file(name + file + "x")).ok());
    }
    std::filesystem::create_symlink("a", directory.file(name + "/link"));
    CHECK(files.read(directory.file(name + "/link"), 100)->text == name + "/a");
    CHECK_FALSE(files.stamp(directory.file("bad/a")).ok());
    CHECK_FALSE(files.read(directory.file("bad/b"), 100).ok());
  }
}

TEST_CASE("contents") {
  const TemporaryDirectory directory;
  directory.write("file", "text");
  auto got = TrustedFiles().read(directory.file("file"), 4);
  REQUIRE(got.ok());
  CHECK(got->text == "text");
  CHECK(got->stamp == TrustedFiles().stamp(directory.file("file")).value());
  CHECK(got->stamp.size == 4);
  CHECK(TrustedFiles().read(directory.file("file"), 3).error().message ==
        concat({"\"", directory.file("file"), "\" has 4 bytes; at most 3 are read"}));
}

TEST_CASE("owners") {
  if (::geteuid() != 0) {
    std::fputs("SKIPPED: needs root to give files away\n", stderr);
    return;
  }
  const TemporaryDirectory directory;
  directory.write("a/file", "text");
  const std::string file = directory.file("a/file");
  REQUIRE(::chown(file.c_str(), 1000, 0) == 0);
  CHECK(problem(file, directory) ==
        "\"@DIR@/a/file\" belongs to uid 1000; it must belong to " + owners());
  REQUIRE(::chown(file.c_str(), 0, 1000) == 0);
  CHECK(problem(file, directory).empty());
  REQUIRE(::chown(directory.file("a").c_str(), 1000, 0) == 0);
  CHECK(problem(file, directory) ==
        "\"@DIR@/a\" belongs to uid 1000; it must belong to " + owners());
  // Who owns a link in a sticky directory can replace it.
  directory.write("b/file", "text");
  REQUIRE(::chmod(directory.file("b").c_str(), 01777) == 0);
  std::filesystem::create_symlink("file", directory.file("b/link"));
  CHECK(problem(directory.file("b/link"), directory).empty());
  REQUIRE(::lchown(directory.file("b/link").c_str(), 1000, 0) == 0);
  CHECK(problem(directory.file("b/link"), directory) ==
        "\"@DIR@/b/link\" belongs to uid 1000; it must belong to " + owners());
}

TEST_CASE("what the invoking user cannot read") {
  if (::geteuid() == 0) {
    std::fputs("SKIPPED: root reads everything\n", stderr);
    return;
  }
  const TemporaryDirectory directory;
  directory.write("file", "text", 0200);
  CHECK(stamp_problem(directory.file("file")).ends_with("Permission denied"));
  CHECK(read_problem(directory.file("file")).ends_with("Permission denied"));
}

TEST_CASE("a configuration that others may write is not loaded") {
  const TemporaryDirectory directory;
  write_certificate(directory);
  directory.write("main.json", kGood, 0666);
  const LoadOutcome outcome = Loader(directory.file("main.json")).load();
  CHECK_FALSE(outcome.configuration.has_value());
  CHECK(lines(outcome.problems, directory) ==
        std::vector<std::string>{"@DIR@/main.json: \"@DIR@/main.json\" has mode 0666, so that "
                                 "others than its owner may write to it; chmod go-w"});
  directory.write("main.json", kGood, 0644);
  directory.write("a.key", "", 0620);
  CHECK(lines(Loader(directory.file("main.json")).load().problems, directory) ==
        std::vector<std::string>{"@DIR@/main.json:21:23: \"@DIR@/a.key\" has mode 0620, so that "
                                 "others than its owner may write to it; chmod go-w"});
}

TEST_CASE("a configuration that is not there") {
  const TemporaryDirectory directory;
  CHECK(lines(Loader(directory.file("main.json")).load().problems, directory) ==
        std::vector<std::string>{"@DIR@/main.json: \"@DIR@/main.json\" cannot be opened: No such "
                                 "file or directory"});
}

}  // namespace
}  // namespace dmpm::config::test
