// UserDatabase: users and groups by name, as the system knows them (NSS), for one load.
//
// Few names are asked of NSS one by one. From kTableThreshold on, where NSS looks into the files
// first, /etc/passwd and /etc/group are read once, since each NSS call reads them from the start;
// what they do not have (LDAP's users) is still asked of NSS. Answers are remembered either way.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "config/configuration.h"

namespace dmpm::config {

class UserDatabase {
 public:
  struct User {
    uid_t uid = 0;
    gid_t gid = 0;  // its primary group
  };

  // Errors are whole sentences: there is no such user, or why it cannot be looked up.
  // References are valid until the next call.
  const Result<User>& user(const std::string& name);
  const Result<gid_t>& group(const std::string& name);
  // Name of a group, or its number where it has none.
  const std::string& group_name(gid_t gid);
  // All groups of the user, its primary one included; sorted.
  const std::vector<gid_t>& groups_of(const std::string& name, gid_t primary);

 private:
  static constexpr unsigned kTableThreshold = 32;

  void count_lookup();
  void read_tables();

  std::unordered_map<std::string, Result<User>> users_;
  std::unordered_map<std::string, Result<gid_t>> groups_;
  std::unordered_map<gid_t, std::string> group_names_;
  std::unordered_map<std::string, std::vector<gid_t>> members_;  // user -> groups it is listed in
  std::unordered_map<std::string, std::vector<gid_t>> groups_of_;
  unsigned lookups_ = 0;
  bool members_complete_ = false;  // members_ says all that NSS would
};

// Tells whether the files behind the users and groups changed. Users that are elsewhere (LDAP) are
// looked up anew only with the configuration file that names them.
struct UserDatabaseStamp {
  FileStamp passwd, group, switch_file;
  bool operator==(const UserDatabaseStamp&) const = default;
  static UserDatabaseStamp now();
};

}  // namespace dmpm::config
