#include "cli/new_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/cli/fixture.h"

using namespace dmpm::cli;
using namespace dmpm::cli::test;

namespace {

std::string content(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

size_t files_in(const Directory& directory) {
  const std::filesystem::directory_iterator all(directory.path());
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("a new file is there at once, with its mode, and alone") {
  const Directory directory;
  const mode_t before = ::umask(077);
  {
    auto file = NewFile::write(directory.file("a.json"), "text", 0644);
    REQUIRE(file.ok());
    CHECK_FALSE(std::filesystem::exists(directory.file("a.json")));
    CHECK(content(file->draft()) == "text");
    REQUIRE(file->put_in_place().ok());
  }
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat(directory.file("a.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0644);
  CHECK(content(directory.file("a.json")) == "text");
  CHECK(files_in(directory) == 1);
}

TEST_CASE("what is there already stays, and nothing is left beside it") {
  const Directory directory;
  directory.write("a.json", "old");
  CHECK(NewFile::write(directory.file("a.json"), "new", 0644).error().number == EEXIST);
  std::filesystem::create_symlink("/nonexistent", directory.file("b.json"));
  CHECK(NewFile::write(directory.file("b.json"), "new", 0644).error().number == EEXIST);
  {
    // Somebody was quicker.
    auto file = NewFile::write(directory.file("c.json"), "new", 0644);
    REQUIRE(file.ok());
    directory.write("c.json", "theirs");
    CHECK(file->put_in_place().error().number == EEXIST);
  }
  CHECK(content(directory.file("a.json")) == "old");
  CHECK(content(directory.file("c.json")) == "theirs");
  CHECK(files_in(directory) == 3);
  CHECK(NewFile::write("/nonexistent/a.json", "new", 0644).error().number == ENOENT);
}
