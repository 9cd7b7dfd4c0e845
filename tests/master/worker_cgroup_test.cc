// The workers' cgroups, with real processes. On a machine without a cgroup2 hierarchy: skipped,
// loudly.
#include "master/worker_cgroup.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>

#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

using protocol::Notice;
using protocol::RequestType;

bool alive(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

Ready want(Player& dispatcher, uint32_t group = 1) {
  dispatcher.say(RequestType::want_worker, group);
  return parse_ready(dispatcher.hear(Notice::worker_ready));
}

// A house whose workers have cgroups.
struct Walled {
  Walled() : cgroups(house.directory.path()) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    house.places.cgroups = &cgroups;
    if (!cgroups.available()) MESSAGE("SKIPPED, no cgroups: " << cgroups.reason());
  }
  ~Walled() { ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
  std::string path(const char* below) const { return cgroups.path() + "/" + below; }

  House house;
  WorkerCgroups cgroups;
};

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

TEST_CASE("a daemon that left its session lives as long as its worker, and no longer") {
  DMPM_NEEDS_ROOT();
  Walled w;
  if (!w.cgroups.available()) return;
  w.house.configure({make_group(w.house.directory, "alice"), make_group(w.house.directory, "bob")});
  Player& dispatcher = *w.house.players[0];
  const Ready alice = want(dispatcher, 1), bob = want(dispatcher, 2);
  const pid_t daemon = std::stoi(ask(w.house.loop, w.house.socket(alice), "daemon"));
  const pid_t other = std::stoi(ask(w.house.loop, w.house.socket(bob), "daemon"));
  REQUIRE(alive(daemon));
  CHECK(::getsid(daemon) == daemon);
  CHECK(read_file("/proc/" + std::to_string(daemon) + "/cgroup").find("/alice/1\n") !=
        std::string::npos);
  // The end of a worker that it is not of.
  ask(w.house.loop, w.house.socket(bob), "die");
  CHECK(run_until(w.house.loop, [&] { return !alive(other); }));
  CHECK(alive(daemon));
  CHECK(ask(w.house.loop, w.house.socket(alice), "hello") == "hello");
  // An idle stop.
  dispatcher.say(RequestType::worker_idle, 1, alice.worker);
  dispatcher.hear(Notice::release_worker);
  CHECK(alive(daemon));
  dispatcher.say(RequestType::worker_released, 1, alice.worker);
  CHECK(run_until(w.house.loop, [&] { return !alive(daemon); }));
  CHECK(run_until(w.house.loop, [&] { return !exists(w.path("alice")); }));
}

TEST_CASE("the successor of a worker is not hurt by the end of what was before it") {
  DMPM_NEEDS_ROOT();
  Walled w;
  if (!w.cgroups.available()) return;
  w.house.configure({make_group(w.house.directory, "alice")});
  const Ready ready = want(*w.house.players[0]);
  const pid_t daemon = std::stoi(ask(w.house.loop, w.house.socket(ready), "daemon"));
  ask(w.house.loop, w.house.socket(ready), "die");
  w.house.players[0]->hear(Notice::release_worker);
  w.house.players[0]->say(RequestType::worker_busy, 1, ready.worker);
  CHECK(ask(w.house.loop, w.house.socket(ready), "hello") == "hello");
  CHECK(run_until(w.house.loop, [&] { return !alive(daemon); }));
  CHECK(ask(w.house.loop, w.house.socket(ready), "hello") == "hello");
}

TEST_CASE("what a master that died left behind ends when the next one starts") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    while (true) ::pause();
  }
  {
    WorkerCgroups first(directory.path());
    if (first.available()) {
      // As after kill -9: nothing is removed.
      const auto cgroup = first.make("alice", 1);
      REQUIRE(cgroup);
      write_file(first.path() + "/alice/1/cgroup.procs", std::to_string(pid));
      CHECK(cgroup->processes(8) == std::vector<pid_t>{pid});
      const WorkerCgroups next(directory.path());
      CHECK(next.available());
      int status = 0;
      REQUIRE(::waitpid(pid, &status, 0) == pid);
      CHECK(WTERMSIG(status) == SIGKILL);
      return;
    }
    MESSAGE("SKIPPED, no cgroups: " << first.reason());
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_CASE("the processor time of all who were in a cgroup is known after their end") {
  DMPM_NEEDS_ROOT();
  TemporaryDirectory directory;
  WorkerCgroups all(directory.path());
  if (!all.available()) {
    MESSAGE("SKIPPED, no cgroups: " << all.reason());
    return;
  }
  const auto cgroup = all.make("alice", 1);
  REQUIRE(cgroup);
  CHECK(cgroup->cpu_us() == 0);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    write_file(all.path() + "/alice/1/cgroup.procs", std::to_string(::getpid()));
    while (std::clock() < CLOCKS_PER_SEC / 10) continue;
    ::_exit(0);
  }
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  CHECK(cgroup->cpu_us() > 50'000);
}

}  // namespace
}  // namespace dmpm::master::test
