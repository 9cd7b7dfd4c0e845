// What a dispatcher may say, and what ends it.
#include "master/dispatcher_peer.h"

#include <functional>

#include "master/notices.h"
#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

using protocol::Notice;
using protocol::Request;
using protocol::RequestType;

config::Group plain_group(const std::string& name) {
  config::Group group;
  group.name = name;
  group.permissions.identity = {"nobody", "nobody", kWorkerUid, kWorkerGid};
  group.worker.command = {"/no/such/program"};
  return group;
}

TEST_CASE("welcome names root, ids and listeners") {
  House house;
  const std::vector<uint32_t> listeners{protocol::kListenerTls, protocol::kListenerRedirect, 0};
  house.players[0]->peer->welcome("/run/x/sockets", {"d", "d", 7, 8}, listeners);
  const std::string fields = house.players[0]->hear(Notice::welcome);
  WireReader reader(fields);
  CHECK(reader.u32() == 0);
  CHECK(reader.string() == "/run/x/sockets");
  CHECK(reader.u32() == 7);
  CHECK(reader.u32() == 8);
  CHECK(reader.u32() == 3);
  CHECK(reader.u32() == protocol::kListenerTls);
  CHECK(reader.u32() == protocol::kListenerRedirect);
  CHECK(reader.u32() == 0);
  CHECK(reader.complete());
}

TEST_CASE("what ends a dispatcher") {
  using Act = std::function<void(Player&)>;
  struct Case {
    bool configured;
    Act act;
    std::string offence;
  };
  const auto say = [](RequestType type, uint32_t group = 0, uint32_t worker = 0,
                      uint32_t argument = 0) {
    return [=](Player& p) { p.say(type, group, worker, argument); };
  };
  const std::string wrong_size = "sent a request of the wrong size";
  const std::string unknown = "sent a request of unknown type";
  const std::string phase = "sent a request out of phase";
  const std::string no_group = "names a group that never was";
  const std::string no_worker = "names a worker that never was";
  const std::string version = "confirms a version out of turn";
  const Case cases[] = {
      {true, [](Player& p) { p.say_bytes("x"); }, wrong_size},
      {true, [](Player& p) { p.say_bytes(std::string(15, '\0')); }, wrong_size},
      {true, [](Player& p) { p.say_bytes(std::string(17, '\2')); }, wrong_size},
      {true, [](Player& p) { p.say_bytes(std::string(100'000, 'x')); }, wrong_size},
      {true, [](Player& p) { p.say_bytes(std::string(140'000, 'x')); },
       "closed its channel (message too large)"},
      {true, say(static_cast<RequestType>(0)), unknown},
      {true, say(static_cast<RequestType>(10)), unknown},
      {true, say(static_cast<RequestType>(0xffffffff)), unknown},
      {false, say(RequestType::want_worker, 1), phase},
      {false, say(RequestType::worker_idle, 1, 1), phase},
      {false, say(RequestType::worker_released, 1, 1), phase},
      {false, say(RequestType::worker_busy, 1, 1), phase},
      {false, say(RequestType::drained), phase},
      {true, say(RequestType::drained), phase},
      {false, say(RequestType::configured, 0, 0, 0), version},
      {false, say(RequestType::configured, 0, 0, 2), version},
      {true, say(RequestType::configured, 0, 0, 1), version},
      {true, say(RequestType::configured, 0, 0, 2), version},
      {true, say(RequestType::want_worker, 0), no_group},
      {true, say(RequestType::want_worker, 3), no_group},
      {true, say(RequestType::want_worker, protocol::kNoGroup), no_group},
      {true, say(RequestType::worker_idle, 3, 1), no_group},
      {true, say(RequestType::worker_released, 3, 1), no_group},
      {true, say(RequestType::worker_busy, 3, 1), no_group},
      {true, say(RequestType::worker_idle, 1, 0), no_worker},
      {true, say(RequestType::worker_idle, 1, 1), no_worker},
      {true, say(RequestType::worker_released, 1, 5), no_worker},
      {true, say(RequestType::worker_busy, 1, 5), no_worker},
  };
  for (const Case& test : cases) {
    House house;
    config::Configuration unused;
    Player& dispatcher = *house.players[0];
    if (test.configured) {
      house.configure({plain_group("alice"), plain_group("bob")});
    } else {
      dispatcher.peer->configure({}, 1);
    }
    test.act(dispatcher);
    CHECK(dispatcher.is_ended());
    CHECK(dispatcher.offence == test.offence);
    // Whatever follows is not heard.
    dispatcher.offence.clear();
    dispatcher.say(static_cast<RequestType>(99));
    run_for(house.loop, Milliseconds(5));
    CHECK(dispatcher.offence.empty());
  }
}

TEST_CASE("asking again before the answer ends a dispatcher") {
  DMPM_NEEDS_ROOT();
  House house;
  house.configure({make_group(house.directory, "alice")});
  Player& dispatcher = *house.players[0];
  dispatcher.say(RequestType::want_worker, 1);
  dispatcher.say(RequestType::want_worker, 1);
  CHECK(dispatcher.is_ended());
  CHECK(dispatcher.offence == "asks for a worker again before it has the answer");
}

TEST_CASE("a worker that was given may be spoken of by those who have it, and as asked") {
  DMPM_NEEDS_ROOT();
  struct Case {
    unsigned speaker;
    RequestType type;
    std::string offence;
  };
  const Case cases[] = {
      {0, RequestType::worker_released, "releases a worker unasked"},
      {0, RequestType::worker_busy, "calls a worker busy unasked"},
      {1, RequestType::worker_idle, "speaks of a worker that it does not have"},
      {1, RequestType::worker_released, "speaks of a worker that it does not have"},
      {1, RequestType::worker_busy, "speaks of a worker that it does not have"},
  };
  for (const Case& test : cases) {
    House house(2);
    house.configure({make_group(house.directory, "alice")});
    house.players[0]->say(RequestType::want_worker, 1);
    house.players[0]->hear(Notice::worker_ready);
    house.players[test.speaker]->say(test.type, 1, 1);
    CHECK(house.players[test.speaker]->is_ended());
    CHECK(house.players[test.speaker]->offence == test.offence);
  }
}

TEST_CASE("more requests than the limit end it; 10,000 sites that wake at once do not") {
  House house;
  house.configure({plain_group("alice")});
  Player& dispatcher = *house.players[0];
  const auto flood = [&](int count) {
    // Answers to a removed number cost nothing; the channel holds a few hundred at a time.
    for (int i = 0; i < count && dispatcher.offence.empty(); ++i) {
      dispatcher.say(RequestType::worker_idle, 1, 1);
      if (i % 100 == 99) run_for(house.loop, Milliseconds(1));
    }
  };
  // Worker 1 must have been given once: a failed start is enough.
  dispatcher.say(RequestType::want_worker, 1);
  dispatcher.hear(Notice::worker_failed);
  flood(20'000);
  run_for(house.loop, Milliseconds(5));
  CHECK(dispatcher.offence.empty());
  flood(200'000);
  CHECK(dispatcher.is_ended());
  CHECK(dispatcher.offence == "sent too many requests");
}

TEST_CASE("notices about the configuration go many in a message, in order") {
  House house;
  Player& dispatcher = *house.players[0];
  std::vector<std::string> notices;
  std::string expected;
  for (uint32_t i = 0; i < 10'000; ++i) expected += notices.emplace_back(forget_certificate(i));
  dispatcher.peer->configure(notices, 7);
  std::string heard;
  size_t messages = 0;
  while (heard.size() < expected.size()) {
    const std::string fields = dispatcher.hear(Notice::forget_certificate);
    heard += notice(Notice::forget_certificate).bytes() + fields;
    ++messages;
  }
  CHECK(heard == expected);
  CHECK(messages == 3);  // of 32 KiB at most
  dispatcher.hear(Notice::commit);
}

TEST_CASE("versions are confirmed one by one, however late") {
  House house;
  Player& dispatcher = *house.players[0];
  dispatcher.peer->configure({}, 7);
  dispatcher.peer->configure({}, 8);
  dispatcher.peer->configure({}, 9);
  for (uint32_t version = 7; version <= 9; ++version) {
    dispatcher.say(RequestType::configured, 0, 0, version);
  }
  run_for(house.loop, Milliseconds(5));
  CHECK(dispatcher.offence.empty());
  CHECK(dispatcher.times_configured == 3);
  CHECK(dispatcher.peer->confirmed() == 9);
}

TEST_CASE("drain, then drained; its end afterwards is no offence") {
  House house;
  house.configure({});
  auto& dispatcher = *house.players[0];
  dispatcher.peer->drain(Milliseconds(70));
  const std::string fields = dispatcher.hear(Notice::drain);
  WireReader reader(fields);
  CHECK(reader.u64() == 30'000);
  CHECK(reader.u64() == 70);
  CHECK(reader.complete());
  dispatcher.say(RequestType::drained);
  ::shutdown(dispatcher.fd(), SHUT_RDWR);
  run_for(house.loop, Milliseconds(5));
  CHECK(dispatcher.offence.empty());
}

}  // namespace
}  // namespace dmpm::master::test
