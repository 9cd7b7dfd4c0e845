#include "config/user_database.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/text.h"
#include "config/problem_list.h"
#include "config/trusted_files.h"

namespace dmpm::config {
namespace {

constexpr size_t kLargestEntry = size_t{1} << 20;  // a group with very many members

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Calls `visit` with the fields of each line of passwd(5) or group(5). (fgetpwent(3) seeks twice
// for each line.) Entries of the "compat" service (+, -) are not for us.
template <typename Visit>
void for_each_entry(const char* path, Visit visit) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#' || line.front() == '+' || line.front() == '-') continue;
    visit(split(line, ':'));
  }
}

std::optional<uid_t> parse_id(const std::vector<std::string_view>& fields, size_t index) {
  const auto id = index < fields.size() ? parse_decimal(fields[index]) : std::nullopt;
  if (!id || *id >= static_cast<uid_t>(-1)) return std::nullopt;
  return static_cast<uid_t>(*id);
}

// The services that nsswitch.conf names for `database`, in order; "files" where it names none.
std::vector<std::string> services_of(const std::string& database) {
  std::ifstream file("/etc/nsswitch.conf");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word) || word != database + ":") continue;
    std::vector<std::string> services;
    while (words >> word) {
      if (word.front() != '[') services.push_back(word);
    }
    return services;
  }
  return {};
}

bool files_come_first(const std::string& database) {
  const auto services = services_of(database);
  return services.empty() || services.front() == "files";
}

// nss-systemd adds groups for its own users only, none of which is in the files.
bool only_files(const std::string& database) {
  const auto services = services_of(database);
  return std::all_of(services.begin(), services.end(), [](const std::string& service) {
    return service == "files" || service == "systemd";
  });
}

// Calls one of the getXXnam_r functions with a buffer that is large enough.
template <typename Entry, typename Function, typename Key>
int look_up(Function function, Key key, Entry& entry, Entry*& found, std::vector<char>& buffer) {
  buffer.resize(4096);
  while (true) {
    const int error = function(key, &entry, buffer.data(), buffer.size(), &found);
    if (error != ERANGE || buffer.size() >= kLargestEntry) return error;
    buffer.resize(buffer.size() * 4);
  }
}

Error not_found(std::string_view kind, const std::string& name, int error) {
  // These are what NSS modules give for "no such entry" (getpwnam(3)).
  const bool missing = error == 0 || error == ENOENT || error == ESRCH || error == EPERM;
  if (missing) return {concat({"there is no ", kind, " ", quoted(name)}), 0};
  return Error::from_errno(concat({"the ", kind, " ", quoted(name), " cannot be looked up"}),
                           error);
}

Result<UserDatabase::User> ask_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer;
  const int error = look_up(::getpwnam_r, name.c_str(), entry, found, buffer);
  if (found == nullptr) return not_found("user", name, error);
  return UserDatabase::User{entry.pw_uid, entry.pw_gid};
}

Result<gid_t> ask_group(const std::string& name) {
  group entry{};
  group* found = nullptr;
  std::vector<char> buffer;
  const int error = look_up(::getgrnam_r, name.c_str(), entry, found, buffer);
  if (found == nullptr) return not_found("group", name, error);
  return entry.gr_gid;
}

std::string ask_group_name(gid_t gid) {
  group entry{};
  group* found = nullptr;
  std::vector<char> buffer;
  look_up(::getgrgid_r, gid, entry, found, buffer);
  return found != nullptr ? entry.gr_name : std::to_string(gid);
}

std::vector<gid_t> ask_groups_of(const std::string& name, gid_t primary) {
  std::vector<gid_t> gids(64);
  int count = static_cast<int>(gids.size());
  while (::getgrouplist(name.c_str(), primary, gids.data(), &count) < 0) {
    gids.resize(std::max(static_cast<size_t>(count), gids.size() * 2));
    count = static_cast<int>(gids.size());
  }
  gids.resize(static_cast<size_t>(count));
  return gids;
}

}  // namespace

void UserDatabase::count_lookup() {
  if (++lookups_ == kTableThreshold) read_tables();
}

void UserDatabase::read_tables() {
  if (!files_come_first("passwd") || !files_come_first("group")) return;
  // The first entry of a name counts, as for getpwnam(3).
  for_each_entry("/etc/passwd", [this](const std::vector<std::string_view>& fields) {
    const auto uid = parse_id(fields, 2);
    const auto gid = parse_id(fields, 3);
    if (uid && gid) users_.try_emplace(std::string(fields[0]), User{*uid, *gid});
  });
  for_each_entry("/etc/group", [this](const std::vector<std::string_view>& fields) {
    const auto gid = parse_id(fields, 2);
    if (!gid || fields.size() < 4) return;
    groups_.try_emplace(std::string(fields[0]), *gid);
    group_names_.try_emplace(*gid, fields[0]);
    for (const std::string_view member : split(fields[3], ',')) {
      if (!member.empty()) members_[std::string(member)].push_back(*gid);
    }
  });
  members_complete_ =
      services_of("initgroups").empty() ? only_files("group") : only_files("initgroups");
}

const Result<UserDatabase::User>& UserDatabase::user(const std::string& name) {
  const auto known = users_.find(name);
  if (known != users_.end()) return known->second;
  count_lookup();
  const auto in_table = users_.find(name);
  if (in_table != users_.end()) return in_table->second;
  return users_.emplace(name, ask_user(name)).first->second;
}

const Result<gid_t>& UserDatabase::group(const std::string& name) {
  const auto known = groups_.find(name);
  if (known != groups_.end()) return known->second;
  count_lookup();
  const auto in_table = groups_.find(name);
  if (in_table != groups_.end()) return in_table->second;
  return groups_.emplace(name, ask_group(name)).first->second;
}

const std::string& UserDatabase::group_name(gid_t gid) {
  auto known = group_names_.find(gid);
  if (known != group_names_.end()) return known->second;
  count_lookup();
  known = group_names_.find(gid);
  if (known != group_names_.end()) return known->second;
  return group_names_.emplace(gid, ask_group_name(gid)).first->second;
}

const std::vector<gid_t>& UserDatabase::groups_of(const std::string& name, gid_t primary) {
  const auto known = groups_of_.find(name);
  if (known != groups_of_.end()) return known->second;
  std::vector<gid_t> gids;
  count_lookup();
  if (members_complete_) {
    const auto listed = members_.find(name);
    if (listed != members_.end()) gids = listed->second;
    gids.push_back(primary);
  } else {
    gids = ask_groups_of(name, primary);
  }
  std::sort(gids.begin(), gids.end());
  gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
  return groups_of_.emplace(name, std::move(gids)).first->second;
}

UserDatabaseStamp UserDatabaseStamp::now() {
  const auto stamp = [](const char* path) {
    struct stat status {};
    return ::stat(path, &status) == 0 ? stamp_of(status) : FileStamp{};
  };
  return {stamp("/etc/passwd"), stamp("/etc/group"), stamp("/etc/nsswitch.conf")};
}

}  // namespace dmpm::config
