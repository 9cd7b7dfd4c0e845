// Users and groups, asked one by one and by table: the answers must not differ.
#include "config/user_database.h"

#include <doctest/doctest.h>
#include <grp.h>
#include <pwd.h>

namespace dmpm::config {
namespace {

// Enough questions for the tables to be read.
void ask_much(UserDatabase& users) {
  for (int i = 0; i < 40; ++i) CHECK_FALSE(users.user("no-such-user-" + std::to_string(i)).ok());
}

TEST_CASE("every user of the machine, one by one and by table") {
  std::vector<std::string> names;
  ::setpwent();
  while (const passwd* entry = ::getpwent()) {
    if (names.size() < 20) names.emplace_back(entry->pw_name);
  }
  ::endpwent();
  REQUIRE(names.size() > 5);
  UserDatabase by_table;
  ask_much(by_table);
  for (const std::string& name : names) {
    CAPTURE(name);
    UserDatabase one_by_one;
    const auto& a = one_by_one.user(name);
    const auto& b = by_table.user(name);
    REQUIRE(a.ok());
    REQUIRE(b.ok());
    CHECK(a.value().uid == b.value().uid);
    CHECK(a.value().gid == b.value().gid);
    CHECK(one_by_one.group_name(a.value().gid) == by_table.group_name(a.value().gid));
    CHECK(one_by_one.groups_of(name, a.value().gid) == by_table.groups_of(name, a.value().gid));
  }
}

TEST_CASE("what is not there") {
  for (const bool much : {false, true}) {
    UserDatabase users;
    if (much) ask_much(users);
    CHECK(users.user("no such\nuser").error().message == "there is no user \"no such\\x0auser\"");
    CHECK(users.group("no-such-group").error().message == "there is no group \"no-such-group\"");
    CHECK(users.user("").error().message == "there is no user \"\"");
    CHECK(users.group_name(4000000000) == "4000000000");
    CHECK(users.group("sys").value() == 3);
  }
}

}  // namespace
}  // namespace dmpm::config
