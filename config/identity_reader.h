// Reads "user" and "group" of an object and looks them up. Which ids are allowed where is not its
// business.
#pragma once

#include <string_view>

#include "config/object_reader.h"
#include "config/user_database.h"

namespace dmpm::config {

// What stands for a "group" that is not given.
enum class DefaultGroup {
  primary_of_user,
  // The workers' sockets are open to the dispatcher's group: a group that the user shares with
  // others (nogroup) must not get that by default.
  named_as_user,
};

struct ReadIdentity {
  Identity identity;
  // Whether each was found in the user database; what was not is reported.
  bool has_uid = false;
  bool has_gid = false;
  gid_t primary_gid = 0;  // of the user, when has_uid
  Position user_place, group_place;
};

struct IdentityDefaults {
  std::string_view object;  // how messages call the object
  std::string_view user;    // empty: "user" is required
  DefaultGroup group;
};

ReadIdentity read_identity(ObjectReader& object, const IdentityDefaults& defaults,
                           UserDatabase& users, ProblemList& problems);
// For an object that is not there; problems are at `place`.
ReadIdentity default_identity(Position place, const IdentityDefaults& defaults, UserDatabase& users,
                              ProblemList& problems);

}  // namespace dmpm::config
