#include "config/identity_reader.h"

#include "base/text.h"

namespace dmpm::config {
namespace {

constexpr std::string_view kUserExpected = "the name of a user";
constexpr std::string_view kGroupExpected = "the name of a group";

// A name as it is written, or the default that stands for it.
struct Name {
  std::string text;
  Position place;
  std::string origin;  // for the end of a message
};

std::optional<Name> as_written(ObjectReader& object, std::string_view key,
                               std::string_view expected, const JsonNode& node) {
  if (const auto text = plain_string(node)) return Name{std::string(*text), node.position(), ""};
  object.wrong(key, node, expected);
  return std::nullopt;
}

Name by_default(std::string_view text, std::string_view key, Position place,
                const IdentityDefaults& defaults) {
  return {std::string(text), place,
          concat({", the default of \"", key, "\" in ", defaults.object})};
}

void look_up_user(const Name& name, ReadIdentity& out, UserDatabase& users, ProblemList& problems) {
  out.identity.user = name.text;
  out.user_place = out.group_place = name.place;
  const auto& user = users.user(name.text);
  if (!user) return problems.add(name.place, concat({user.error().message, name.origin}));
  out.identity.uid = user.value().uid;
  out.primary_gid = user.value().gid;
  out.has_uid = true;
}

void look_up_group(const Name& name, ReadIdentity& out, UserDatabase& users,
                   ProblemList& problems) {
  out.identity.group = name.text;
  out.group_place = name.place;
  const auto& gid = users.group(name.text);
  if (!gid) return problems.add(name.place, concat({gid.error().message, name.origin}));
  out.identity.gid = gid.value();
  out.has_gid = true;
}

// Where no group is given.
void take_default_group(const Name& user, const IdentityDefaults& defaults, ReadIdentity& out,
                        UserDatabase& users, ProblemList& problems) {
  if (!out.has_uid) return;  // reported, and enough
  if (defaults.group == DefaultGroup::named_as_user) {
    return look_up_group(by_default(user.text, "group", user.place, defaults), out, users,
                         problems);
  }
  out.identity.gid = out.primary_gid;
  out.identity.group = users.group_name(out.primary_gid);
  out.has_gid = true;
}

}  // namespace

ReadIdentity read_identity(ObjectReader& object, const IdentityDefaults& defaults,
                           UserDatabase& users, ProblemList& problems) {
  ReadIdentity out;
  const auto user_node =
      defaults.user.empty() ? object.require("user", kUserExpected) : object.find("user");
  std::optional<Name> user;
  if (user_node) {
    user = as_written(object, "user", kUserExpected, *user_node);
  } else if (!defaults.user.empty()) {
    user = by_default(defaults.user, "user", object.node().position(), defaults);
  }
  if (user) look_up_user(*user, out, users, problems);

  if (const auto group_node = object.find("group")) {
    const auto group = as_written(object, "group", kGroupExpected, *group_node);
    if (group) look_up_group(*group, out, users, problems);
  } else if (user) {
    take_default_group(*user, defaults, out, users, problems);
  }
  return out;
}

ReadIdentity default_identity(Position place, const IdentityDefaults& defaults, UserDatabase& users,
                              ProblemList& problems) {
  ReadIdentity out;
  const Name user = by_default(defaults.user, "user", place, defaults);
  look_up_user(user, out, users, problems);
  take_default_group(user, defaults, out, users, problems);
  return out;
}

}  // namespace dmpm::config
