// Which notices a change of the configuration makes.
#include "master/routing_feed.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "base/wire.h"
#include "logger/protocol.h"
#include "master/protocol.h"

namespace dmpm::master {
namespace {

using protocol::Notice;

config::Group group(const std::string& name) {
  config::Group group;
  group.name = name;
  group.permissions.identity = {name, name, 61001, 61001};
  group.worker.command = {"/bin/" + name};
  return group;
}

config::VirtualHost host(std::vector<std::string> names, const std::string& group_name) {
  config::VirtualHost host;
  host.group = group_name;
  host.tls =
      config::Certificate{{"/c/" + names[0] + ".crt", "/c/" + names[0] + ".key", {}, {}}, {}};
  host.names = std::move(names);
  return host;
}

config::Configuration two_sites() {
  config::Configuration configuration;
  for (const char* name : {"alice", "bob"}) {
    configuration.groups.emplace(name, group(name));
    configuration.virtual_hosts.push_back(
        host({std::string(name) + ".test", "*." + std::string(name) + ".test"}, name));
  }
  return configuration;
}

// A notice in words: "group 1 alice queue 128", "host 1 group 1 certificate 1 alice.test ...".
std::string words(const std::string& notice) {
  WireReader reader(notice);
  const auto kind = static_cast<Notice>(reader.u32());
  std::string text;
  switch (kind) {
    case Notice::group:
      text = "group " + std::to_string(reader.u32());
      text += " " + std::string(reader.string());
      text += " queue " + std::to_string(reader.u32());
      reader.u32();
      for (int i = 0; i < 4; ++i) reader.u64();
      reader.u32();
      break;
    case Notice::virtual_host: {
      text = "host " + std::to_string(reader.u32());
      const uint32_t group_number = reader.u32(), certificate = reader.u32();
      const bool logged = reader.u32() != 0;
      text += group_number == protocol::kNoGroup ? " no group"
                                                 : " group " + std::to_string(group_number);
      text += certificate == protocol::kNoCertificate
                  ? " no certificate"
                  : " certificate " + std::to_string(certificate);
      if (logged) text += " logged";
      for (uint32_t left = reader.u32(); left > 0; --left) {
        text += " " + std::string(reader.string());
      }
      break;
    }
    case Notice::remove_group: text = "remove group " + std::to_string(reader.u32()); break;
    case Notice::remove_virtual_host: text = "remove host " + std::to_string(reader.u32()); break;
    case Notice::forget_certificate: text = "forget " + std::to_string(reader.u32()); break;
    case Notice::limits:
      text = "limits";
      while (!reader.at_end()) reader.u64();
      break;
    case Notice::access_log: text = "access log " + std::to_string(reader.u32()); break;
    default: text = "?";
  }
  CHECK(reader.complete());
  return text;
}

std::vector<std::string> words(const std::vector<std::string>& notices) {
  std::vector<std::string> all;
  for (const std::string& notice : notices) all.push_back(words(notice));
  return all;
}

using Words = std::vector<std::string>;

const Words kWhole = {"group 1 alice queue 128", "group 2 bob queue 128",
                      "host 1 group 1 certificate 1 alice.test *.alice.test",
                      "host 2 group 2 certificate 2 bob.test *.bob.test"};

TEST_CASE("the first version is told whole, and a new dispatcher gets the same") {
  RoutingFeed feed;
  CHECK(words(feed.snapshot()) == Words{"limits", "access log 0"});
  const auto update = feed.update(two_sites());
  CHECK(words(update.notices) == kWhole);
  Words snapshot = kWhole;
  snapshot.insert(snapshot.begin(), {"limits", "access log 0"});
  CHECK(words(feed.snapshot()) == snapshot);
  CHECK(update.groups_changed == 2);
  CHECK(update.virtual_hosts_changed == 2);
}

TEST_CASE("a reload tells only what changed") {
  using Change = std::function<void(config::Configuration&)>;
  struct Case {
    const char* what;
    Change change;
    Words notices;
    std::vector<uint32_t> removed_groups;
  };
  const Case cases[] = {
      {"nothing", [](auto&) {}, {}, {}},
      {"limits", [](auto& c) { c.limits.head_fields = 50; }, {"limits"}, {}},
      {"a group only moved in its file",
       [](auto& c) { c.groups.at("bob").location.line = 7; },
       {},
       {}},
      {"what only the dispatcher does",
       [](auto& c) { c.groups.at("bob").scale.queue = 5; },
       {"group 2 bob queue 5"},
       {}},
      {"another command: a new group in the old one's place",
       [](auto& c) { c.groups.at("bob").worker.command = {"/bin/new"}; },
       {"group 3 bob queue 128", "host 2 group 3 certificate 2 bob.test *.bob.test",
        "remove group 2"},
       {2}},
      {"another user",
       [](auto& c) { c.groups.at("alice").permissions.identity.uid = 61002; },
       {"group 3 alice queue 128", "host 1 group 3 certificate 1 alice.test *.alice.test",
        "remove group 1"},
       {1}},
      {"a group and its host go",
       [](auto& c) {
         c.groups.erase("alice");
         c.virtual_hosts.erase(c.virtual_hosts.begin());
       },
       {"remove host 1", "remove group 1", "forget 1"},
       {1}},
      {"a group's file is broken: its host stays, without a group",
       [](auto& c) { c.groups.erase("bob"); },
       {"host 2 no group certificate 2 bob.test *.bob.test", "remove group 2"},
       {2}},
      {"a new site in front",
       [](auto& c) {
         c.groups.emplace("aaron", group("aaron"));
         c.virtual_hosts.insert(c.virtual_hosts.begin(), host({"aaron.test"}, "aaron"));
       },
       {"group 3 aaron queue 128", "host 3 group 3 certificate 3 aaron.test"},
       {}},
      {"another order", [](auto& c) { std::swap(c.virtual_hosts[0], c.virtual_hosts[1]); }, {}, {}},
      {"one more name",
       [](auto& c) { c.virtual_hosts[0].names.push_back("www.alice.example"); },
       {"host 1 group 1 certificate 1 alice.test *.alice.test www.alice.example"},
       {}},
      {"a first name is another host, and names are free before they are taken",
       [](auto& c) {
         c.virtual_hosts[0].names = {"*.alice.test", "alice.test"};
       },
       {"remove host 1", "host 3 group 1 certificate 1 *.alice.test alice.test"},
       {}},
      {"a renewed certificate",
       [](auto& c) { c.virtual_hosts[1].tls->certificate_stamp.modified_ns = 5; },
       {"forget 2"},
       {}},
      {"another key file",
       [](auto& c) { c.virtual_hosts[1].tls->key_path = "/c/other.key"; },
       {"host 2 group 2 certificate 3 bob.test *.bob.test", "forget 2"},
       {}},
      {"no TLS any more",
       [](auto& c) { c.virtual_hosts[1].tls.reset(); },
       {"host 2 group 2 no certificate bob.test *.bob.test", "forget 2"},
       {}},
      {"one certificate for both",
       [](auto& c) { c.virtual_hosts[1].tls = c.virtual_hosts[0].tls; },
       {"host 2 group 2 certificate 1 bob.test *.bob.test", "forget 2"},
       {}},
      {"a host goes to the other group",
       [](auto& c) { c.virtual_hosts[1].group = "alice"; },
       {"host 2 group 1 certificate 2 bob.test *.bob.test"},
       {}},
  };
  for (const Case& test : cases) {
    INFO(test.what);
    RoutingFeed feed;
    feed.update(two_sites());
    config::Configuration next = two_sites();
    test.change(next);
    const auto update = feed.update(next);
    CHECK(words(update.notices) == test.notices);
    CHECK(update.removed_groups == test.removed_groups);
    CHECK(feed.update(next).notices.empty());
  }
}

TEST_CASE("numbers are never used twice") {
  RoutingFeed feed;
  feed.update(two_sites());
  config::Configuration without = two_sites();
  without.groups.erase("bob");
  without.virtual_hosts.pop_back();
  feed.update(without);
  const auto back = feed.update(two_sites());
  CHECK(words(back.notices) ==
        Words{"group 3 bob queue 128", "host 3 group 3 certificate 3 bob.test *.bob.test"});
  CHECK(feed.certificate(2) == nullptr);
  CHECK(feed.certificate_was_given(2));
  CHECK_FALSE(feed.certificate_was_given(4));
  REQUIRE(feed.certificate(3) != nullptr);
  CHECK(feed.certificate(3)->key_path == "/c/bob.test.key");
}

TEST_CASE("many changes in the middle of many hosts") {
  config::Configuration first;
  for (int i = 0; i < 100; ++i) {
    first.virtual_hosts.push_back(host({"h" + std::to_string(i) + ".test"}, "none"));
  }
  config::Configuration next = first;
  next.virtual_hosts.erase(next.virtual_hosts.begin() + 40, next.virtual_hosts.begin() + 42);
  std::swap(next.virtual_hosts[10], next.virtual_hosts[80]);
  next.virtual_hosts.insert(next.virtual_hosts.begin() + 60, host({"new.test"}, "none"));
  RoutingFeed feed;
  feed.update(first);
  const auto update = feed.update(next);
  Words told = words(update.notices);
  std::sort(told.begin(), told.end());
  CHECK(told == Words{"forget 41", "forget 42", "host 101 no group certificate 101 new.test",
                      "remove host 41", "remove host 42"});
}

// What the logger is told, in words.
Words log_words(const std::vector<std::string>& notices) {
  using logger_protocol::LoggerNotice;
  Words all;
  for (const std::string& notice : notices) {
    WireReader reader(notice);
    const auto kind = static_cast<LoggerNotice>(reader.u32());
    if (kind == LoggerNotice::access_log) {
      std::string text = "all " + std::string(reader.string());
      all.push_back(text + " " + std::string(reader.string()));
      CHECK(reader.complete());
      continue;
    }
    while (reader.ok() && !reader.at_end()) {
      std::string text = kind == LoggerNotice::host_logs ? "host " : "remove ";
      text += std::to_string(reader.u32());
      if (kind == LoggerNotice::host_logs) {
        text += " " + std::string(reader.string());
        text += " of " + std::string(reader.string());
        if (reader.u32() != 0) text += " in all";
        const std::string file(reader.string());
        const std::string format(reader.string());
        if (!file.empty()) text += " in " + file + " as " + format;
      }
      all.push_back(text);
    }
    CHECK(reader.ok());
  }
  return all;
}

TEST_CASE("the logger is told of access logs, and dispatchers only whether there is one") {
  RoutingFeed feed;
  config::Configuration configuration = two_sites();
  CHECK(feed.update(configuration).access_logs.empty());
  CHECK(log_words(feed.access_logs()) == Words{"all  combined"});

  // One for all.
  configuration.access_log.file = "access.log";
  auto update = feed.update(configuration);
  const Words whole = {"all access.log combined", "host 1 alice.test of alice in all",
                       "host 2 bob.test of bob in all"};
  CHECK(log_words(update.access_logs) == whole);
  CHECK(log_words(feed.access_logs()) == whole);
  CHECK(words(update.notices) ==
        Words{"access log 1", "host 1 group 1 certificate 1 logged alice.test *.alice.test",
              "host 2 group 2 certificate 2 logged bob.test *.bob.test"});

  // A site of its own mind: the dispatchers need not know.
  configuration.virtual_hosts[0].access_log = config::HostAccessLog{false, "a.log", "json"};
  update = feed.update(configuration);
  CHECK(log_words(update.access_logs) ==
        Words{"host 1 alice.test of alice in all in a.log as json"});
  CHECK(update.notices.empty());

  // Not to be logged at all: that they do.
  configuration.virtual_hosts[1].access_log = config::HostAccessLog{true, "", ""};
  update = feed.update(configuration);
  CHECK(log_words(update.access_logs) == Words{"remove 2"});
  CHECK(words(update.notices) == Words{"host 2 group 2 certificate 2 bob.test *.bob.test"});

  // A format for all is that of the sites that say none.
  configuration.access_log.format = "$status";
  configuration.access_log.per_virtual_host = true;
  configuration.virtual_hosts[1].access_log.reset();
  update = feed.update(configuration);
  CHECK(log_words(update.access_logs) ==
        Words{"all access.log $status", "host 1 alice.test of alice in all in a.log as json",
              "host 2 bob.test of bob in all in bob.test.log as $status"});

  // What has gone is forgotten; what is new has a number that was never used.
  configuration.virtual_hosts.erase(configuration.virtual_hosts.begin());
  configuration.virtual_hosts.push_back(host({"*.new.test"}, "bob"));
  update = feed.update(configuration);
  CHECK(log_words(update.access_logs) ==
        Words{"remove 1", "host 3 *.new.test of bob in all in @.new.test.log as $status"});
  CHECK(feed.update(configuration).access_logs.empty());

  // Many hosts are few messages.
  for (int i = 0; i < 10'000; ++i) {
    configuration.virtual_hosts.push_back(host({"h" + std::to_string(i) + ".test"}, "bob"));
  }
  update = feed.update(configuration);
  CHECK(log_words(update.access_logs).size() == 10'000);
  CHECK(update.access_logs.size() < 40);
}

}  // namespace
}  // namespace dmpm::master
