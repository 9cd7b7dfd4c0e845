#include "metrics/names.h"

#include "metrics/limits.h"
#include "metrics/protocol.h"
#include "tests/metrics/shared.h"

using namespace dmpm::metrics;
using namespace dmpm::metrics::test;
using dmpm::Instant;
using dmpm::WireWriter;

namespace {

void hear(Names& names, std::initializer_list<std::string> messages) {
  for (const std::string& message : messages) REQUIRE(names.hear(message, Instant()));
}

std::string user_notice(uint32_t group, std::string_view user) {
  return WireWriter()
      .u32(static_cast<uint32_t>(dmpm::metrics_protocol::Notice::group_user))
      .u32(group)
      .string(user)
      .take();
}

std::string trouble_notice(std::string_view group, std::string_view reason) {
  return WireWriter()
      .u32(static_cast<uint32_t>(dmpm::metrics_protocol::Notice::trouble))
      .string(group)
      .string(reason)
      .take();
}

}  // namespace

TEST_CASE("what the master tells is in force at its commit") {
  Names names;
  hear(names, {group_notice(1, "bob"), user_notice(1, "bobby"), group_notice(2, "alice"),
               host_notice(1, 1, "b.test"), host_notice(2, dmpm::protocol::kNoGroup, "c.test")});
  CHECK(names.listing()->groups.empty());
  hear(names, {commit()});
  const auto listing = names.listing();
  REQUIRE(listing->groups.size() == 2);
  CHECK(listing->groups[0].name == "alice");
  CHECK(listing->groups[1].name == "bob");
  CHECK(listing->groups[1].user == "bobby");
  CHECK(listing->groups[1].hosts == std::vector<std::string>{"b.test"});
  REQUIRE(listing->hosts.size() == 2);
  CHECK(listing->hosts[0].group == "bob");
  CHECK(listing->hosts[1].name == "c.test");
  CHECK(listing->hosts[1].group.empty());
}

TEST_CASE("a reload adds and removes; who has a listing keeps it") {
  Names names;
  hear(names, {group_notice(1, "a"), host_notice(1, 1, "a.test"), commit()});
  const auto before = names.listing();
  CHECK(names.listing() == before);
  hear(names, {notice(dmpm::protocol::Notice::remove_virtual_host).u32(1).take(),
               group_notice(2, "a"), host_notice(2, 2, "b.test"),
               notice(dmpm::protocol::Notice::remove_group).u32(1).take(), commit()});
  const auto after = names.listing();
  REQUIRE(after->groups.size() == 1);
  CHECK(after->groups[0].hosts == std::vector<std::string>{"b.test"});
  CHECK(before->hosts[0].name == "a.test");
}

TEST_CASE("the last troubles are remembered, newest first") {
  Names names;
  for (size_t i = 0; i < limits::kTroubles + 3; ++i) {
    hear(names, {trouble_notice("a", std::to_string(i))});
  }
  CHECK(names.troubles().size() == limits::kTroubles);
  CHECK(names.troubles().front().reason == std::to_string(limits::kTroubles + 2));
}

TEST_CASE("what is malformed is said to be") {
  Names names;
  CHECK_FALSE(names.hear("", Instant()));
  CHECK_FALSE(names.hear("abc", Instant()));
  CHECK_FALSE(names.hear(trouble_notice("a", "b") + "x", Instant()));
}
