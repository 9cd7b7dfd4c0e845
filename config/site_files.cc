#include "config/site_files.h"

#include <algorithm>
#include <ctime>
#include <deque>
#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "config/allowed_ids.h"
#include "config/content_reader.h"
#include "config/limits.h"

namespace dmpm::config {
namespace {

// File systems stamp a change with the time of the last timer tick: a file that changed just before
// it was read can change again without getting another stamp.
constexpr int64_t kStampGranularity = 50'000'000;  // ns

bool is_settled(const FileStamp& stamp) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const int64_t now_ns = int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  return now_ns - std::max(stamp.modified_ns, stamp.changed_ns) > kStampGranularity;
}

// Whether the user database still says of the group's names what it said.
bool same_ids(const Group& group, const FileContent& content, UserDatabase& users) {
  const Permissions& permissions = group.permissions;
  const auto& user = users.user(permissions.identity.user);
  if (!user || user.value().uid != permissions.identity.uid) return false;
  const gid_t primary = user.value().gid;
  const auto& gid = users.group(permissions.identity.group);
  if (!gid || gid.value() != permissions.identity.gid) return false;
  return !content.lists_supplementary_groups &&
         users.groups_of(permissions.identity.user, primary) == permissions.supplementary_groups;
}

bool all_may_run(const std::vector<Group>& groups, const Surroundings& surroundings) {
  return std::all_of(groups.begin(), groups.end(),
                     [&](const Group& group) { return may_run(group.permissions, surroundings); });
}

// Takes the present stamps; false when one of the files does not pass any more.
bool renew_stamps(std::vector<VirtualHost>& hosts, TrustedFiles& files) {
  for (VirtualHost& host : hosts) {
    if (!host.tls) continue;
    auto certificate = files.stamp(host.tls->certificate_path);
    auto key = files.stamp(host.tls->key_path);
    if (!certificate || !key) return false;
    host.tls->certificate_stamp = *certificate;
    host.tls->key_stamp = *key;
  }
  return true;
}

// A module of another version may make something else of the settings.
bool same_modules(const Group& group, TrustedFiles& files) {
  const auto& modules = group.permissions.modules;
  return std::all_of(modules.begin(), modules.end(), [&](const PermissionModule& module) {
    auto stamp = files.stamp(module.path);
    return stamp && *stamp == module.stamp;
  });
}

// Of a file that is not in force: its names that are free, without a group, and with their
// certificate if that can be used.
FileContent unavailable_hosts(FileContent wrong, Claims& claims) {
  FileContent content;
  content.path = wrong.path;
  for (VirtualHost& host : wrong.virtual_hosts) {
    std::erase_if(host.names, [&](const std::string& name) { return !claims.take_free(name); });
    if (host.names.empty()) continue;
    host.group.clear();
    if (host.tls &&
        (host.tls->certificate_stamp == FileStamp{} || host.tls->key_stamp == FileStamp{})) {
      host.tls.reset();
    }
    content.virtual_hosts.push_back(std::move(host));
  }
  return content;
}

}  // namespace

SiteFiles::Update SiteFiles::update(const std::vector<std::string>& paths,
                                    const Surroundings& surroundings, Tools& tools, Claims& claims,
                                    std::vector<Problem>& problems) {
  note_changes(surroundings);
  forget_all_but(paths);
  Update update;
  std::deque<Examined> all;  // claims point into it
  for (const std::string& path : paths) {
    Examined& examined = all.emplace_back(files_[path], path);
    if (still_valid(examined.file, path, tools)) continue;
    read(examined, tools, claims);
    ++update.read;
  }
  for (Examined& examined : all) {
    if (!examined.candidate) keep(examined, claims);
  }
  for (Examined& examined : all) {
    if (examined.candidate) adopt(examined, claims);
  }
  for (Examined& examined : all) {
    if (!examined.in_force) name_unavailable(examined, claims);
  }
  for (Examined& examined : all) {
    settle(examined, problems);
    update.contents.push_back(examined.in_force ? &*examined.file.good
                                                : &examined.file.unavailable);
  }
  return update;
}

void SiteFiles::note_changes(const Surroundings& surroundings) {
  const UserDatabaseStamp users = UserDatabaseStamp::now();
  users_changed_ = users != users_stamp_;
  users_stamp_ = users;
  surroundings_changed_ = surroundings != surroundings_;
  surroundings_ = surroundings;
}

void SiteFiles::forget_all_but(const std::vector<std::string>& paths) {
  const std::unordered_set<std::string_view> listed(paths.begin(), paths.end());
  std::erase_if(files_, [&](const auto& entry) { return !listed.contains(entry.first); });
}

// Leaves a candidate or problems.
void SiteFiles::read(Examined& examined, Tools& tools, Claims& claims) const {
  ProblemList& problems = examined.problems;
  auto text = tools.files.read(*problems.file(), limits::kMaxSiteFile);
  if (!text) return problems.add(text.error().message);
  FileContent content;
  content.path = problems.file();
  Reading reading{tools, surroundings_, content, problems};
  read_site_file(std::move(text->text), reading);
  if (problems.empty()) {
    examined.candidate = std::move(content);
    examined.candidate_stamp = text->stamp;
  } else {
    claims.claim(content, problems);  // for what more there is to say; it claims nothing
    examined.wrong = std::move(content);
  }
}

bool SiteFiles::still_valid(File& file, const std::string& path, Tools& tools) const {
  if (!file.good || !file.conclusive || surroundings_changed_) return false;
  auto stamp = tools.files.stamp(path);
  if (!stamp || *stamp != file.stamp) return false;
  const auto has_same_ids = [&](const Group& group) {
    return same_ids(group, *file.good, tools.users);
  };
  if (users_changed_ &&
      !std::all_of(file.good->groups.begin(), file.good->groups.end(), has_same_ids)) {
    return false;
  }
  const auto has_same_modules = [&](const Group& group) {
    return same_modules(group, tools.files);
  };
  if (!std::all_of(file.good->groups.begin(), file.good->groups.end(), has_same_modules)) {
    return false;
  }
  return renew_stamps(file.good->virtual_hosts, tools.files);
}

// Leaves the last good version in force, if there is one and it still fits.
void SiteFiles::keep(Examined& examined, Claims& claims) const {
  if (!examined.file.good) return;
  // It was checked against the main file of its time.
  if (!examined.problems.empty() && !all_may_run(examined.file.good->groups, surroundings_)) {
    return examined.problems.add("the previous version of this file may not run any more either");
  }
  ProblemList collisions(examined.problems.file());
  examined.in_force = claims.claim(*examined.file.good, collisions);
  if (examined.in_force) return;
  const bool unchanged = examined.problems.empty();
  examined.problems.append(collisions);
  if (!unchanged) {
    examined.problems.add("the previous version of this file does not fit any more either");
  }
}

void SiteFiles::adopt(Examined& examined, Claims& claims) const {
  examined.in_force = claims.claim(*examined.candidate, examined.problems);
  if (examined.in_force) return;
  examined.wrong = std::move(*examined.candidate);
  examined.candidate.reset();
  keep(examined, claims);
}

void SiteFiles::name_unavailable(Examined& examined, Claims& claims) const {
  File& file = examined.file;
  const bool is_old = !examined.wrong.path && file.good;
  file.unavailable = unavailable_hosts(is_old ? *file.good : std::move(examined.wrong), claims);
}

// Ends the update of one file. What was claimed points to nowhere from here on.
void SiteFiles::settle(Examined& examined, std::vector<Problem>& problems) const {
  File& file = examined.file;
  file.conclusive = examined.problems.empty();
  if (examined.candidate) {
    file.good = std::move(examined.candidate);
    file.good->places = {};
    file.stamp = examined.candidate_stamp;
    file.conclusive = is_settled(file.stamp);
  }
  examined.problems.move_to(problems);
}

}  // namespace dmpm::config
