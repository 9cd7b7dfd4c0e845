// What one master leaves to the next: every field arrives, and nothing else is believed.
#include "master/handover.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

#include "master/routing_feed.h"
#include "tests/master/draft.h"

namespace dmpm::master::test {
namespace {

Handover full() {
  Handover all;
  all.fixed_settings = std::string("a\0b", 3);
  all.processes = 2;
  all.lock = 10, all.control = 11, all.dispatcher_log = 12, all.logger_dispatchers = 13;
  all.dispatcher_exchanges = 21, all.logger_exchanges = 22;
  all.open_files_soft = 1024, all.open_files_hard = ~uint64_t{0};
  all.listeners = {{"*:443", {14, 15}}, {"127.0.0.1:0", {}}};
  all.last_group = 1, all.last_host = 2, all.last_certificate = 3, all.last_worker = 4;
  all.groups = {{"alice", 1, 0x1234567890abcdef}, {"", 2, 0}};
  all.certificates = {{"/c", "/k", "/c2", "/k2", 7}};
  all.workers = {{"alice", "alice.4", 1, 4, 2, 4711, 99, 16, 17, 3, 1}};
  all.waiting = {{1, 2}};
  all.dispatchers = {{0, 1, 1, 4712, 98, 18, 4, 1, 3, 2, {"x", std::string("\0y", 2)}}};
  all.logger_pid = 4713, all.logger_age = 97, all.logger_channel = -1;
  all.clients = {19, 20};
  return all;
}

TEST_CASE("a handover arrives as it was") {
  const std::string bytes = encode(full());
  const auto read = decode_handover(bytes);
  REQUIRE(read.ok());
  CHECK(encode(read.value()) == bytes);
  const Handover& got = read.value();
  CHECK(got.fixed_settings.size() == 3);
  CHECK(got.listeners.at(0).sockets == std::vector<int>{14, 15});
  CHECK(got.groups.at(0).fingerprint == 0x1234567890abcdef);
  CHECK(got.workers.at(0).log == 17);
  CHECK(got.dispatchers.at(0).unsent.at(1) == std::string("\0y", 2));
  CHECK(got.logger_channel == -1);
  // Those that stay open across exec: each of them, and none that is not there.
  std::vector<int> fds = descriptors(got);
  std::sort(fds.begin(), fds.end());
  CHECK(fds == std::vector<int>{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22});
}

TEST_CASE("what is cut, longer or of another format is refused") {
  const std::string bytes = encode(full());
  for (size_t size = 0; size < bytes.size(); ++size) {
    INFO(size);
    CHECK_FALSE(decode_handover(bytes.substr(0, size)).ok());
  }
  CHECK_FALSE(decode_handover(bytes + "x").ok());
  std::string other = bytes;
  other[0] = static_cast<char>(Handover::kFormat + 1);
  const auto refused = decode_handover(other);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("cannot be upgraded in place") != std::string::npos);
}

TEST_CASE("through a memory file") {
  const std::string bytes(300'000, 'x');
  auto file = to_memory_file(bytes);
  REQUIRE(file.ok());
  for (int time = 0; time < 2; ++time) {  // whoever tries it out has read it before
    auto read = from_memory_file(file->get());
    REQUIRE(read.ok());
    CHECK(*read == bytes);
  }
  CHECK_FALSE(from_memory_file(-1).ok());
}

Draft two_groups() {
  Draft configuration;
  for (const char* name : {"alice", "bob"}) {
    config::Group& group = configuration.groups[name];
    group.name = name;
    group.permissions.identity = {name, name, 1000, 1000};
    group.worker.command = {"/bin/server"};
    config::VirtualHost host;
    host.names = {std::string(name) + ".test"};
    host.group = name;
    host.tls = config::Certificate{{std::string("/") + name, "/key"}, {}};
    configuration.virtual_hosts.push_back(host);
  }
  return configuration;
}

std::map<std::string, uint32_t> numbers(const RoutingFeed& feed) {
  std::map<std::string, uint32_t> found;
  feed.for_each_group(
      [&found](uint32_t number, const config::Group& group) { found[group.name] = number; });
  return found;
}

TEST_CASE("the next feed knows what is the same by the same numbers, and gives none twice") {
  RoutingFeed before;
  before.update({});
  before.update(two_groups());
  Handover handover;
  before.hand_over(handover);

  Draft changed = two_groups();
  changed.groups["bob"].worker.environment["NEW"] = "1";
  changed.groups["alice"].scale.queue = 1;  // of no concern to its workers
  changed.groups["carol"] = changed.groups["bob"];
  changed.groups["carol"].name = "carol";
  RoutingFeed after;
  after.take_over(handover);
  const auto update = after.update(changed);
  const auto old = numbers(before), now = numbers(after);
  CHECK(now.at("alice") == old.at("alice"));
  CHECK(now.at("bob") > std::max(old.at("alice"), old.at("bob")));
  CHECK(now.at("carol") != now.at("bob"));
  CHECK(update.removed_groups == std::vector<uint32_t>{old.at("bob")});
  // Dispatchers of the master before may still ask for a certificate by its number.
  for (uint32_t number : {1U, 2U}) {
    REQUIRE(after.certificate(number) != nullptr);
    CHECK(after.certificate(number)->certificate_path ==
          before.certificate(number)->certificate_path);
  }
  // From then on as ever.
  changed.groups.erase("carol");
  CHECK(after.update(changed).removed_groups == std::vector<uint32_t>{now.at("carol")});
}

}  // namespace
}  // namespace dmpm::master::test
