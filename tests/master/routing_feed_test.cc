// Which notices a change of the configuration makes.
#include "master/routing_feed.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "base/wire.h"
#include "logger/protocol.h"
#include "master/protocol.h"
#include "tests/master/draft.h"

namespace dmpm::master {
namespace {

using protocol::Notice;
using test::Draft;

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
  host.tls = config::Certificate{{"/c/" + names[0] + ".crt", "/c/" + names[0] + ".key"}, {}};
  host.names = std::move(names);
  return host;
}

Draft two_sites() {
  Draft configuration;
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
      if (const uint32_t flags = reader.u32(); flags != 0) {
        if ((flags & protocol::kGroupForwardsTrailers) != 0) text += " trailers";
        if ((flags & protocol::kGroupProxyProtocol) != 0) text += " proxy";
      }
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
  using Change = std::function<void(Draft&)>;
  struct Case {
    const char* what;
    Change change;
    Words notices;
    std::vector<uint32_t> removed_groups;
  };
  const Case cases[] = {
      {"nothing", [](auto&) {}, {}, {}},
      {"limits", [](auto& c) { c.settings.limits.head_fields = 50; }, {"limits"}, {}},
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
      {"trailers are the dispatcher's business",
       [](auto& c) { c.groups.at("bob").forward_trailers = true; },
       {"group 2 bob queue 128 trailers"},
       {}},
      {"the PROXY protocol: workers that expect no header go",
       [](auto& c) { c.groups.at("bob").worker.proxy_protocol = true; },
       {"group 3 bob queue 128 proxy", "host 2 group 3 certificate 2 bob.test *.bob.test",
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
    Draft next = two_sites();
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
  Draft without = two_sites();
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
  Draft first;
  for (int i = 0; i < 100; ++i) {
    first.virtual_hosts.push_back(host({"h" + std::to_string(i) + ".test"}, "none"));
  }
  Draft next = first;
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

// ---- sections ----

using Section = config::Section;

std::shared_ptr<const Section> section(std::vector<config::Group> groups,
                                       std::vector<config::VirtualHost> hosts) {
  return std::make_shared<const Section>(Section{std::move(groups), std::move(hosts)});
}

config::Configuration of_sections(std::vector<std::shared_ptr<const Section>> sections) {
  config::Configuration configuration;
  configuration.sections = std::move(sections);
  return configuration;
}

TEST_CASE("of many sections only those that changed are told") {
  const auto main = section({group("main")}, {});
  const auto a = section({group("a")}, {host({"a.test"}, "a"), host({"m.test"}, "main")});
  const auto b = section({group("b")}, {host({"b.test"}, "b")});
  const auto c = section({group("c")}, {host({"c.test"}, "c")});
  RoutingFeed feed;
  feed.update(of_sections({main, a, b, c}));
  CHECK(feed.update(of_sections({main, a, b, c})).notices.empty());
  CHECK(feed.update(of_sections({main, a, b, c})).groups.empty());
  // The same in another object stands elsewhere, and is no news.
  const auto b2 = section({group("b")}, {host({"b.test"}, "b")});
  auto update = feed.update(of_sections({main, a, b2, c}));
  CHECK(update.notices.empty());
  REQUIRE(update.groups.size() == 1);
  CHECK(update.groups.front() == RoutingFeed::NumberedGroup{3, b2->groups.data()});
  // A host moves from one file to another.
  const auto b3 = section({group("b")}, {});
  const auto c3 = section({group("c")}, {host({"c.test"}, "c"), host({"b.test"}, "c")});
  update = feed.update(of_sections({main, a, b3, c3}));
  CHECK(words(update.notices) == Words{"host 3 group 4 certificate 3 b.test"});
  // One goes, one comes, the others change places.
  const auto d = section({group("d")}, {host({"d.test"}, "d")});
  update = feed.update(of_sections({main, d, c3, a}));
  CHECK(words(update.notices) ==
        Words{"group 5 d queue 128", "host 5 group 5 certificate 5 d.test", "remove group 3"});
  CHECK(update.removed_groups == std::vector<uint32_t>{3});
}

TEST_CASE("a group of the main file that changes concerns every section") {
  const auto main = section({group("main")}, {});
  const auto a = section({group("a")}, {host({"a.test"}, "a"), host({"m.test"}, "main")});
  RoutingFeed feed;
  feed.update(of_sections({main, a}));
  config::Group changed = group("main");
  changed.worker.command = {"/bin/new"};
  auto update = feed.update(of_sections({section({changed}, {}), a}));
  CHECK(words(update.notices) ==
        Words{"group 3 main queue 128", "host 2 group 3 certificate 2 m.test", "remove group 1"});
  // What only the dispatcher does needs no host.
  changed.scale.queue = 5;
  update = feed.update(of_sections({section({changed}, {}), a}));
  CHECK(words(update.notices) == Words{"group 3 main queue 5"});
}

TEST_CASE("a certificate of two files stays while one of them uses it") {
  const auto shared = [] {
    config::VirtualHost one = host({"shared.test"}, "none");
    return one.tls;
  }();
  const auto with = [&](const char* name) {
    config::VirtualHost one = host({name}, "none");
    one.tls = shared;
    return section({}, {one});
  };
  const auto main = section({}, {});
  RoutingFeed feed;
  auto a = with("a.test");
  feed.update(of_sections({main, a, with("b.test")}));
  REQUIRE(feed.certificate(1) != nullptr);
  // The file that came first changes again and again, then both do.
  for (int i = 0; i < 3; ++i) {
    a = with("a.test");
    const auto b = feed.configuration().sections[2];
    CHECK(feed.update(of_sections({main, a, b})).notices.empty());
    CHECK(feed.certificate(1)->key_path == "/c/shared.test.key");
  }
  CHECK(feed.update(of_sections({main, with("a.test"), with("b.test")})).notices.empty());
  CHECK(words(feed.update(of_sections({main, with("a.test")})).notices) == Words{"remove host 2"});
  CHECK(feed.certificate(1)->key_path == "/c/shared.test.key");
  CHECK(words(feed.update(of_sections({main})).notices) == Words{"remove host 1", "forget 1"});
  CHECK(feed.certificate(1) == nullptr);
  CHECK(words(feed.update(of_sections({main, with("a.test")})).notices) ==
        Words{"host 3 no group certificate 2 a.test"});
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
  Draft configuration = two_sites();
  CHECK(feed.update(configuration).access_logs.empty());
  CHECK(log_words(feed.access_logs()) == Words{"all  combined"});

  // One for all.
  configuration.settings.access_log.file = "access.log";
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
  configuration.settings.access_log.format = "$status";
  configuration.settings.access_log.per_virtual_host = true;
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
