#include "master/directories.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/socket.h"
#include "tests/master/fixture.h"

namespace fs = std::filesystem;

namespace dmpm::master::test {
namespace {

constexpr uid_t kLoggerUid = 61004;

struct Place {
  Place() {
    configuration.runtime_directory = directory / "run";
    configuration.log_directory = directory / "log";
    configuration.private_directories = directory / "private";
    configuration.dispatcher.identity = {"d", "d", 61003, kDispatcherGid};
    configuration.logger = {"l", "l", kLoggerUid, kLoggerGid};
  }
  TemporaryDirectory directory;
  config::Configuration configuration;
};

std::string owner_and_mode(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return "missing";
  char text[64];
  std::snprintf(text, sizeof text, "%u:%u %04o", found.st_uid, found.st_gid, found.st_mode & 07777);
  return text;
}

TEST_CASE("what is made belongs to whom it should, and a second time too") {
  DMPM_NEEDS_ROOT();
  Place place;
  for (int time = 0; time < 2; ++time) {
    const auto made = prepare_directories(place.configuration);
    REQUIRE_MESSAGE(made.ok(), made.error().message);
    CHECK(made.value().sockets == place.directory / "run/sockets");
    CHECK(owner_and_mode(place.directory / "run") == "0:0 0711");
    CHECK(owner_and_mode(place.directory / "run/sockets") == "0:61003 0710");
    CHECK(owner_and_mode(place.directory / "log") == "61004:61004 0750");
    CHECK(owner_and_mode(place.directory / "log/.pipes") == "0:61004 0710");
  }
}

TEST_CASE("a second master is refused") {
  DMPM_NEEDS_ROOT();
  Place place;
  const auto first = prepare_directories(place.configuration);
  REQUIRE(first.ok());
  const auto second = prepare_directories(place.configuration);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message.starts_with("another dmpm-master runs"));
}

TEST_CASE("what an earlier run left goes, what it did not make stays") {
  DMPM_NEEDS_ROOT();
  Place place;
  { REQUIRE(prepare_directories(place.configuration).ok()); }
  const std::string socket = place.directory / "run/sockets/alice.1";
  const std::string pipe = place.directory / "log/.pipes/alice.1";
  const auto address = SocketAddress::unix_path(socket);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  REQUIRE(::bind(fd.get(), address.value().get(), address.value().size) == 0);
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  write_file(place.directory / "run/sockets/foreign", "");
  REQUIRE(prepare_directories(place.configuration).ok());
  CHECK(owner_and_mode(socket) == "missing");
  CHECK(owner_and_mode(pipe) == "missing");
  CHECK(owner_and_mode(place.directory / "run/sockets/foreign") != "missing");
}

TEST_CASE("directories that somebody could have prepared are refused") {
  DMPM_NEEDS_ROOT();
  struct Case {
    const char* what;
    std::function<void(const Place&)> prepare;
    const char* message;
  };
  const auto make = [](const char* name, uid_t owner, mode_t mode) {
    return [=](const Place& place) {
      const std::string path = place.directory / name;
      std::filesystem::create_directories(path);
      REQUIRE(::chown(path.c_str(), owner, owner) == 0);
      REQUIRE(::chmod(path.c_str(), mode) == 0);
    };
  };
  const Case cases[] = {
      {"runtime directory of another user", make("run", kWorkerUid, 0711), "belongs to user 61001"},
      {"runtime directory that others may write", make("run", 0, 0777), "written by others"},
      {"sockets of another user", make("run/sockets", kWorkerUid, 0711), "belongs to user 61001"},
      {"log directory of another user", make("log", kWorkerUid, 0750), "belongs to user 61001"},
      {"log directory that its group may write", make("log", kLoggerUid, 0770),
       "written by others"},
      {"pipes that the logger made", make("log/.pipes", kLoggerUid, 0700), "belongs to user 61004"},
      {"a link", [](const Place& place) { fs::create_symlink("/tmp", place.directory / "run"); },
       "symbolic link"},
      {"pipes that are a link",
       [](const Place& place) {
         ::mkdir((place.directory / "log").c_str(), 0755);
         fs::create_symlink("/etc", place.directory / "log/.pipes");
       },
       "symbolic link"},
      {"a file", [](const Place& place) { write_file(place.directory / "run", ""); },
       "no directory"},
      {"no parent", [](const Place& place) { std::filesystem::remove(place.directory.path()); },
       "No such file or directory"},
  };
  for (const Case& test : cases) {
    INFO(test.what);
    Place place;
    test.prepare(place);
    const auto made = prepare_directories(place.configuration);
    REQUIRE_FALSE(made.ok());
    CHECK_MESSAGE(made.error().message.find(test.message) != std::string::npos,
                  made.error().message);
  }
}

TEST_CASE("a log directory that was the logger's before stays usable") {
  DMPM_NEEDS_ROOT();
  Place place;
  REQUIRE(::mkdir((place.directory / "log").c_str(), 0700) == 0);
  REQUIRE(::chown((place.directory / "log").c_str(), kLoggerUid, 0) == 0);
  CHECK(prepare_directories(place.configuration).ok());
}

}  // namespace
}  // namespace dmpm::master::test
