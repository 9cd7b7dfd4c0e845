// A group's life, with real workers and the test as dispatcher.
#include "master/worker_group.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

using protocol::Notice;
using protocol::RequestType;

Ready want(Player& dispatcher, uint32_t group = 1) {
  dispatcher.say(RequestType::want_worker, group);
  return parse_ready(dispatcher.hear(Notice::worker_ready));
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

bool alive(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

// The worker that `dispatcher` is asked to let go of next.
uint32_t release_asked(Player& dispatcher) {
  const std::string notice = dispatcher.hear(Notice::release_worker);
  WireReader fields(notice);
  fields.u32();
  return fields.u32();
}

pid_t pid_of(House& house, const Ready& ready) {
  const std::string report = ask(house.loop, house.socket(ready), "report");
  REQUIRE(report.starts_with("pid="));
  return std::stoi(report.substr(4));
}

// Its successor comes when the dispatcher has a request for it.
void kill_one(House& house, const Ready& ready) {
  ::kill(pid_of(house, ready), SIGKILL);
  house.players[0]->hear(Notice::release_worker);
  house.players[0]->say(RequestType::worker_busy, ready.group, ready.worker);
}

TEST_CASE("a worker starts on demand and answers on its socket") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  group.scale.connections_per_worker = 100;
  house.configure({group});
  const Ready ready = want(*house.players[0]);
  CHECK(ready.group == 1);
  CHECK(ready.worker == 1);
  CHECK(ready.capacity == 100);
  CHECK(ready.socket == "alice.1");
  CHECK(ask(house.loop, house.socket(ready), "hello") == "hello");
}

TEST_CASE("the capacity is shared between the dispatchers, who get the same worker") {
  DMPM_NEEDS_ROOT();
  House house(3);
  config::Group group = make_group(house.directory, "alice");
  group.scale.connections_per_worker = 100;
  house.configure({group});
  for (const auto& dispatcher : house.players) {
    const Ready ready = want(*dispatcher);
    CHECK(ready.worker == 1);
    CHECK(ready.capacity == 33);
  }
}

TEST_CASE("more workers up to max_workers, then the answer is busy") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  group.scale.max_workers = 2;
  house.configure({group});
  CHECK(want(*house.players[0]).worker == 1);
  CHECK(want(*house.players[0]).worker == 2);
  for (int i = 0; i < 2; ++i) {  // the second answer only when retry_after is over
    const Instant asked = house.loop.now();
    house.players[0]->say(RequestType::want_worker, 1);
    const Failed failed = parse_failed(house.players[0]->hear(Notice::worker_failed));
    CHECK(failed.reason == "all 2 workers are busy");
    CHECK(failed.retry_after == 1000);
    if (i == 1) CHECK(house.loop.now() - asked >= Milliseconds(500));
  }
}

TEST_CASE("min_workers are started and stay") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  group.scale.min_workers = 1;
  house.configure({group});
  house.groups.ensure_minimum();
  REQUIRE(run_until(house.loop, [&] { return house.captured.has("worker 1 started"); }));
  const Ready ready = want(*house.players[0]);
  CHECK(ready.worker == 1);
  house.players[0]->say(RequestType::worker_idle, 1, 1);
  house.players[0]->say(RequestType::want_worker, 1);
  house.players[0]->hear(Notice::worker_failed);  // so the idle was heard before
  CHECK_FALSE(house.players[0]->has_heard(Notice::release_worker));
  CHECK(ask(house.loop, house.socket(ready), "still there") == "still there");
}

TEST_CASE("idle stop: asked, released, gone; the next want starts another") {
  DMPM_NEEDS_ROOT();
  House house(2);
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  want(*house.players[1]);
  const pid_t pid = pid_of(house, ready);
  for (const auto& dispatcher : house.players) dispatcher->say(RequestType::worker_idle, 1, 1);
  for (const auto& dispatcher : house.players) {
    WireReader fields(dispatcher->hear(Notice::release_worker));
    dispatcher->say(RequestType::worker_released, 1, 1);
  }
  for (const auto& dispatcher : house.players) {
    CHECK(dispatcher->offence.empty());
  }
  REQUIRE(run_until(house.loop, [&] { return !alive(pid); }));
  CHECK_FALSE(exists(house.socket(ready)));
  CHECK(want(*house.players[1]).worker == 2);
}

TEST_CASE("idle stop: one that is busy elsewhere stays for all") {
  DMPM_NEEDS_ROOT();
  House house(2);
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  want(*house.players[1]);
  for (const auto& dispatcher : house.players) dispatcher->say(RequestType::worker_idle, 1, 1);
  house.players[0]->hear(Notice::release_worker);
  house.players[1]->hear(Notice::release_worker);
  house.players[0]->say(RequestType::worker_released, 1, 1);
  house.players[1]->say(RequestType::worker_busy, 1, 1);
  CHECK(want(*house.players[0]).worker == 1);
  CHECK(ask(house.loop, house.socket(ready), "hello") == "hello");
}

TEST_CASE("idle stop: a want that crosses takes the worker back") {
  DMPM_NEEDS_ROOT();
  House house(2);
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  want(*house.players[1]);
  for (const auto& dispatcher : house.players) dispatcher->say(RequestType::worker_idle, 1, 1);
  house.players[0]->hear(Notice::release_worker);
  house.players[0]->say(RequestType::worker_released, 1, 1);
  CHECK(want(*house.players[0]).worker == 1);
  house.players[1]->hear(Notice::release_worker);
  house.players[1]->say(RequestType::worker_released, 1, 1);  // the late answer
  CHECK(ask(house.loop, house.socket(ready), "hello") == "hello");
  CHECK(want(*house.players[1]).worker == 1);
}

TEST_CASE("idle stop: only when all that have it call it idle") {
  DMPM_NEEDS_ROOT();
  House house(2);
  house.configure({make_group(house.directory, "alice")});
  want(*house.players[0]);
  want(*house.players[1]);
  house.players[0]->say(RequestType::worker_idle, 1, 1);
  house.players[0]->say(RequestType::worker_in_use, 1, 1);
  run_for(house.loop, Milliseconds(20));
  house.players[1]->say(RequestType::worker_idle, 1, 1);
  run_for(house.loop, Milliseconds(20));
  CHECK_FALSE(house.players[1]->has_heard(Notice::release_worker));
  house.players[0]->say(RequestType::worker_idle, 1, 1);
  house.players[1]->hear(Notice::release_worker);
}

TEST_CASE("surplus workers go, down to min_workers") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  group.scale.min_workers = 1;
  group.scale.max_workers = 3;
  house.configure({group});
  house.warm.set_budget(uint64_t{1} << 40);  // is not for these
  Player& dispatcher = *house.players[0];
  for (uint32_t n = 1; n <= 3; ++n) CHECK(want(dispatcher).worker == n);
  for (uint32_t n = 3; n >= 1; --n) dispatcher.say(RequestType::worker_idle, 1, n);
  for (uint32_t n = 3; n >= 2; --n) {
    CHECK(release_asked(dispatcher) == n);
    dispatcher.say(RequestType::worker_released, 1, n);
  }
  REQUIRE(run_until(house.loop, [&] { return house.services.processes == 1; }));
  CHECK_FALSE(dispatcher.has_heard(Notice::release_worker));
}

TEST_CASE("an idle worker stays while there is memory, and goes for one that was used later") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice"), make_group(house.directory, "bob")});
  Player& dispatcher = *house.players[0];
  const Ready alice = want(dispatcher, 1), bob = want(dispatcher, 2);
  pid_of(house, alice);  // it is up
  pid_of(house, bob);
  house.warm.set_budget(uint64_t{1} << 40);
  dispatcher.say(RequestType::worker_idle, 1, alice.worker);
  REQUIRE(run_until(house.loop, [&] { return house.warm.size() == 1; }));
  const uint64_t each = house.warm.memory();
  CHECK(each > uint64_t{64} << 10);
  CHECK(each < uint64_t{4} << 20);
  // In use, it is no memory of an idle one.
  dispatcher.say(RequestType::worker_in_use, 1, alice.worker);
  REQUIRE(run_until(house.loop, [&] { return house.warm.size() == 0; }));
  dispatcher.say(RequestType::worker_idle, 1, alice.worker);
  dispatcher.say(RequestType::worker_idle, 2, bob.worker);
  REQUIRE(run_until(house.loop, [&] { return house.warm.size() == 2; }));
  CHECK_FALSE(dispatcher.has_heard(Notice::release_worker));
  house.warm.set_budget(house.warm.memory() - 1);
  CHECK(release_asked(dispatcher) == alice.worker);
  // It has a request after all: it stays, as one in use.
  dispatcher.say(RequestType::worker_busy, 1, alice.worker);
  CHECK(ask(house.loop, house.socket(alice), "hello") == "hello");
  // The end of one that is warm.
  ::kill(pid_of(house, bob), SIGKILL);
  REQUIRE(run_until(house.loop, [&] { return house.warm.size() == 0; }));
  CHECK(house.warm.memory() == 0);
}

TEST_CASE("a spent worker is replaced before it is let go") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  group.scale.requests_per_worker = 100;
  house.configure({group});
  Player& dispatcher = *house.players[0];
  const Ready old_ready = want(dispatcher);
  CHECK(old_ready.requests == 100);
  const pid_t old_pid = pid_of(house, old_ready);
  dispatcher.say(RequestType::worker_spent, 1, old_ready.worker);
  dispatcher.say(RequestType::worker_spent, 1, old_ready.worker);  // gossip
  const Ready fresh = parse_ready(dispatcher.hear(Notice::worker_ready));
  CHECK(fresh.worker == old_ready.worker + 1);
  dispatcher.hear(Notice::release_worker);
  dispatcher.say(RequestType::worker_busy, 1, old_ready.worker);  // a download
  CHECK(pid_of(house, old_ready) == old_pid);
  dispatcher.hear(Notice::release_worker);  // asked again
  dispatcher.say(RequestType::worker_released, 1, old_ready.worker);
  CHECK(run_until(house.loop, [&] { return !alive(old_pid); }));
  CHECK(ask(house.loop, house.socket(fresh), "hello") == "hello");
}

TEST_CASE("a spent worker serves on while none can take over") {
  DMPM_NEEDS_ROOT();
  House house;
  const std::string needed = house.directory / "needed";
  write_file(needed, "");
  house.configure({make_group(house.directory, "alice", {"--need", needed})});
  Player& dispatcher = *house.players[0];
  const Ready ready = want(dispatcher);
  pid_of(house, ready);
  ::unlink(needed.c_str());
  // No process could be made.
  house.places.starter = needed;
  dispatcher.say(RequestType::worker_spent, 1, ready.worker);
  REQUIRE(run_until(house.loop, [&] { return house.captured.has("no start before"); }));
  CHECK_FALSE(dispatcher.has_heard(Notice::release_worker));
  CHECK(ask(house.loop, house.socket(ready), "hello") == "hello");
}

TEST_CASE("a want while the old one stops gets a new one without waiting") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice", {"--ignore-term"});
  group.scale.stop_timeout = Milliseconds(500);
  house.configure({group});
  Player& dispatcher = *house.players[0];
  const pid_t pid = pid_of(house, want(dispatcher));
  dispatcher.say(RequestType::worker_idle, 1, 1);
  dispatcher.hear(Notice::release_worker);
  dispatcher.say(RequestType::worker_released, 1, 1);
  CHECK(want(dispatcher).worker == 2);
  CHECK(alive(pid));
  CHECK(run_until(house.loop, [&] { return !alive(pid); }));
  CHECK(house.captured.has("did not stop within stop_timeout"));
}

TEST_CASE("kill -9: the successor has the same socket and serves what waited in its queue") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  const pid_t pid = pid_of(house, ready);
  ::kill(pid, SIGSTOP);  // so that nothing is accepted
  REQUIRE(run_until(house.loop, [&] {
    return read_file("/proc/" + std::to_string(pid) + "/stat").find(") T ") != std::string::npos;
  }));
  const Fd waiting = send_line(house.socket(ready), "patience");
  ::kill(pid, SIGKILL);
  std::string answer;
  REQUIRE(run_until(house.loop, [&] {
    char bytes[64];
    const ssize_t size = ::recv(waiting.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (size > 0) answer.assign(bytes, static_cast<size_t>(size));
    return size >= 0;
  }));
  CHECK(answer == "patience");
  CHECK(pid_of(house, ready) != pid);
  CHECK_FALSE(house.players[0]->has_heard(Notice::worker_gone));
  CHECK(house.captured.has("was killed by SIGKILL"));
}

TEST_CASE("one that died with nothing waiting is asked for, and back when it is called busy") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  ::kill(pid_of(house, ready), SIGKILL);
  house.players[0]->hear(Notice::release_worker);
  house.players[0]->say(RequestType::worker_busy, 1, 1);
  CHECK(ask(house.loop, house.socket(ready), "hello") == "hello");
}

TEST_CASE("one that left by itself is gone when all let go, and back on demand") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  run_for(house.loop, kYoung);  // leaving sooner is a failure
  CHECK(ask(house.loop, house.socket(ready), "exit 0").empty());
  house.players[0]->hear(Notice::release_worker);
  CHECK(exists(house.socket(ready)));
  house.players[0]->say(RequestType::worker_released, 1, 1);
  REQUIRE(run_until(house.loop, [&] { return !exists(house.socket(ready)); }));
  CHECK(want(*house.players[0]).worker == 2);
}

TEST_CASE("a connection made in the instant in which a worker left is served") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  run_for(house.loop, kYoung);
  ask(house.loop, house.socket(ready), "exit 0");
  house.players[0]->hear(Notice::release_worker);
  const Fd late = send_line(house.socket(ready), "late");
  house.players[0]->say(RequestType::worker_released, 1, 1);
  char bytes[8];
  CHECK(run_until(house.loop,
                  [&] { return ::recv(late.get(), bytes, sizeof bytes, MSG_DONTWAIT) == 4; }));
}

TEST_CASE("a crash loop backs off, tells why, and recovers by itself") {
  DMPM_NEEDS_ROOT();
  House house;
  const std::string needed = house.directory / "needed";
  house.configure({make_group(house.directory, "alice", {"--need", needed})});
  Player& dispatcher = *house.players[0];
  dispatcher.say(RequestType::want_worker, 1);
  // After pauses of 0, 250 and 500 ms, which are nobody else's business.
  Failed failed = parse_failed(dispatcher.insist(1));
  CHECK(failed.retry_after > 500);
  CHECK(failed.retry_after <= 1000);
  CHECK(failed.reason.starts_with("exited with status 1 0."));
  CHECK(failed.reason.ends_with("after its start; its log is workers/alice.log"));
  CHECK_FALSE(exists(house.sockets + "/alice.1"));
  // A question in a long back-off is answered at once, one near its end by a worker.
  dispatcher.say(RequestType::want_worker, 1);
  failed = parse_failed(dispatcher.hear(Notice::worker_failed));
  CHECK(failed.retry_after <= 1000);
  write_file(needed, "");
  run_for(house.loop, Milliseconds(failed.retry_after - 300));
  CHECK(want(dispatcher).worker == 2);
}

TEST_CASE("one that has served for a while before it dies has its successor at once") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  for (int death = 0; death < 3; ++death) kill_one(house, ready);
  pid_of(house, ready);
  run_for(house.loop, kWorkerStableAfter);
  kill_one(house, ready);
  pid_of(house, ready);
}

TEST_CASE("failures before a stop that was wished for are forgotten") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice")});
  Player& dispatcher = *house.players[0];
  Ready ready = want(dispatcher);
  for (int death = 0; death < 3; ++death) kill_one(house, ready);
  pid_of(house, ready);
  dispatcher.say(RequestType::worker_idle, 1, ready.worker);
  REQUIRE(release_asked(dispatcher) == ready.worker);
  dispatcher.say(RequestType::worker_released, 1, ready.worker);
  REQUIRE(run_until(house.loop, [&] { return !exists(house.socket(ready)); }));
  ready = want(dispatcher);
  kill_one(house, ready);
  pid_of(house, ready);
}

TEST_CASE("what waits in the queue of a worker that died is served by its successor") {
  DMPM_NEEDS_ROOT();
  House house;
  const std::string needed = house.directory / "needed";
  house.configure({make_group(house.directory, "alice", {"--need", needed})});
  const Ready ready = want(*house.players[0]);
  const Fd waiting = send_line(house.socket(ready), "late");
  run_for(house.loop, Milliseconds(100));  // it has died once or twice by now
  write_file(needed, "");
  // Its first death may have come before the connection: then the dispatcher is asked.
  if (house.players[0]->has_heard(Notice::release_worker)) {
    house.players[0]->say(RequestType::worker_busy, 1, 1);
  }
  char bytes[8];
  CHECK(run_until(house.loop,
                  [&] { return ::recv(waiting.get(), bytes, sizeof bytes, MSG_DONTWAIT) == 4; }));
}

TEST_CASE("another group does not notice a crash loop") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure(
      {make_group(house.directory, "alice", {"--exit", "7"}), make_group(house.directory, "bob")});
  house.players[0]->say(RequestType::want_worker, 1);
  house.players[0]->insist(1);
  CHECK(ask(house.loop, house.socket(want(*house.players[0], 2)), "hello") == "hello");
}

TEST_CASE("a worker that no dispatcher holds any more is stopped by the master") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  group.scale.idle_timeout = Milliseconds(300);
  house.configure({group});
  const Ready ready = want(*house.players[0]);
  const pid_t pid = pid_of(house, ready);
  run_for(house.loop, Milliseconds(600));
  CHECK(alive(pid));
  house.groups.forget_dispatcher(0);
  CHECK(run_until(house.loop, [&] { return !alive(pid); }));
  CHECK_FALSE(exists(house.socket(ready)));
}

TEST_CASE("a dispatcher that dies has let go") {
  DMPM_NEEDS_ROOT();
  House house(2);
  house.configure({make_group(house.directory, "alice")});
  const pid_t pid = pid_of(house, want(*house.players[0]));
  want(*house.players[1]);
  for (const auto& dispatcher : house.players) dispatcher->say(RequestType::worker_idle, 1, 1);
  house.players[0]->hear(Notice::release_worker);
  house.players[0]->say(RequestType::worker_released, 1, 1);
  house.players[1]->hear(Notice::release_worker);
  CHECK(alive(pid));
  house.groups.forget_dispatcher(1);
  CHECK(run_until(house.loop, [&] { return !alive(pid); }));
}

TEST_CASE("what a worker leaves behind dies with it, in whatever process group") {
  DMPM_NEEDS_ROOT();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  House house;
  house.configure({make_group(house.directory, "alice")});
  const Ready ready = want(*house.players[0]);
  const pid_t orphan = std::stoi(ask(house.loop, house.socket(ready), "orphan"));
  REQUIRE(alive(orphan));
  ask(house.loop, house.socket(ready), "die");
  CHECK(run_until(house.loop, [&] { return !alive(orphan); }));
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

TEST_CASE("a reload: a changed group's worker finishes, new requests get a new one") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  house.configure({group, make_group(house.directory, "bob")});
  Player& dispatcher = *house.players[0];
  const Ready old_ready = want(dispatcher, 1);
  const Ready bob = want(dispatcher, 2);
  const pid_t old_pid = pid_of(house, old_ready), bob_pid = pid_of(house, bob);
  group.worker.environment["VERSION"] = "2";
  house.configure({group, make_group(house.directory, "bob")});
  dispatcher.hear(Notice::release_worker);
  dispatcher.say(RequestType::worker_busy, 1, old_ready.worker);  // a download
  const Ready new_ready = want(dispatcher, 3);
  CHECK(ask(house.loop, house.socket(new_ready), "report").find("env VERSION=2") !=
        std::string::npos);
  CHECK(pid_of(house, old_ready) == old_pid);
  dispatcher.hear(Notice::release_worker);  // asked again
  dispatcher.say(RequestType::worker_released, 1, old_ready.worker);
  CHECK(run_until(house.loop, [&] { return !alive(old_pid); }));
  CHECK(pid_of(house, bob) == bob_pid);
}

TEST_CASE("a reload: what only concerns the scale keeps the worker") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  house.configure({group});
  const Ready ready = want(*house.players[0]);
  const pid_t pid = pid_of(house, ready);
  group.scale.max_workers = 2;
  house.configure({group});
  CHECK(want(*house.players[0]).worker == 2);
  CHECK(pid_of(house, ready) == pid);
}

TEST_CASE("a reload: a want for a group that was removed meanwhile is still served") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group group = make_group(house.directory, "alice");
  group.scale.queue_timeout = Milliseconds(1500);
  house.configure({group});
  house.configure({make_group(house.directory, "bob")});
  Player& dispatcher = *house.players[0];
  const Ready ready = want(dispatcher, 1);
  CHECK(ask(house.loop, house.socket(ready), "hello") == "hello");
  dispatcher.hear(Notice::release_worker);
  dispatcher.say(RequestType::worker_released, 1, ready.worker);
  // When nothing is left of it, its number is still no offence.
  REQUIRE(run_until(house.loop, [&] { return house.groups.find(1) == nullptr; }));
  dispatcher.say(RequestType::want_worker, 1);
  CHECK(parse_failed(dispatcher.hear(Notice::worker_failed)).reason == "the group was removed");
  dispatcher.say(RequestType::worker_released, 1, ready.worker);
  run_for(house.loop, Milliseconds(20));
  CHECK(dispatcher.offence.empty());
}

TEST_CASE("the end: every worker is stopped, a stubborn one killed") {
  DMPM_NEEDS_ROOT();
  House house;
  config::Group stubborn = make_group(house.directory, "bob", {"--ignore-term"});
  stubborn.scale.stop_timeout = Milliseconds(300);
  house.configure({make_group(house.directory, "alice"), stubborn});
  const Ready alice = want(*house.players[0], 1), bob = want(*house.players[0], 2);
  pid_of(house, alice);
  pid_of(house, bob);
  house.groups.stop_all();
  CHECK(run_until(house.loop, [&] { return house.workers_ended; }));
  CHECK(house.services.processes == 0);
  CHECK_FALSE(exists(house.socket(alice)));
  CHECK_FALSE(exists(house.socket(bob)));
}

TEST_CASE("a sleeping group is small") {
  CHECK(sizeof(WorkerGroup) <= 192);
}

}  // namespace
}  // namespace dmpm::master::test
