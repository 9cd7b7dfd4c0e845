#include "config/site_files.h"

#include <algorithm>
#include <ctime>

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
bool same_ids(const Group& group, bool lists_supplementary_groups, UserDatabase& users) {
  const Permissions& permissions = group.permissions;
  const auto& user = users.user(permissions.identity.user);
  if (!user || user.value().uid != permissions.identity.uid) return false;
  const gid_t primary = user.value().gid;
  const auto& gid = users.group(permissions.identity.group);
  if (!gid || gid.value() != permissions.identity.gid) return false;
  return !lists_supplementary_groups &&
         users.groups_of(permissions.identity.user, primary) == permissions.supplementary_groups;
}

bool all_may_run(const std::vector<Group>& groups, const Surroundings& surroundings) {
  return std::all_of(groups.begin(), groups.end(),
                     [&](const Group& group) { return may_run(group.permissions, surroundings); });
}

// A module of another version may make something else of the settings.
bool same_modules(const Group& group, TrustedFiles& files) {
  const auto& modules = group.permissions.modules;
  return std::all_of(modules.begin(), modules.end(), [&](const PermissionModule& module) {
    auto stamp = files.stamp(module.path);
    return stamp && *stamp == module.stamp;
  });
}

std::unordered_set<std::string_view> host_names(const Section& section) {
  std::unordered_set<std::string_view> names;
  for (const VirtualHost& host : section.virtual_hosts)
    names.insert(host.names.begin(), host.names.end());
  return names;
}

bool has_group(const Section& section, const std::string& name) {
  return std::any_of(section.groups.begin(), section.groups.end(),
                     [&](const Group& group) { return group.name == name; });
}

// Whether `section` has names that `before`, which may be null, has not.
bool wants_more(const Section& section, const Section* before) {
  if (before == nullptr) return true;
  const auto had = host_names(*before);
  for (const std::string_view name : host_names(section)) {
    if (!had.contains(name)) return true;
  }
  return std::any_of(section.groups.begin(), section.groups.end(),
                     [&](const Group& group) { return !has_group(*before, group.name); });
}

// Of a file that is not in force: its names that are free, without a group, and with their
// certificate if that can be used.
Section unavailable_hosts(Section wrong, const Claims& claims,
                          std::unordered_set<std::string>& taken) {
  Section section;
  for (VirtualHost& host : wrong.virtual_hosts) {
    std::erase_if(host.names, [&](const std::string& name) {
      return claims.has_host(name) || !taken.insert(name).second;
    });
    if (host.names.empty()) continue;
    host.group.clear();
    if (host.tls && (host.tls->certificate_path.empty() || host.tls->key_path.empty())) {
      host.tls.reset();
    }
    section.virtual_hosts.push_back(std::move(host));
  }
  return section;
}

}  // namespace

SiteFiles::Update SiteFiles::update(const std::vector<std::string>& paths, const MainPart& main,
                                    Tools& tools, std::vector<Problem>& problems) {
  note_changes(main);
  Update update;
  std::vector<const File*> files;
  files.reserve(paths.size());
  std::deque<Examined> all;
  for (const std::string& path : paths) {
    File& file = file_of(path);
    files.push_back(&file);
    const bool unchanged = still_valid(file, tools);
    if (unchanged && !main_changed_) continue;
    withdraw(file);
    file.in_force = false;
    all.emplace_back(file, unchanged);
  }
  forget_all_but(paths);
  for (Examined& examined : all) {
    if (examined.unchanged) continue;
    read(examined, tools);
    ++update.read;
  }
  put_in_force(all);
  for (Examined& examined : all) settle(examined, problems);
  update.sections.reserve(files.size());
  for (const File* file : files) {
    update.sections.push_back(file->in_force ? file->good : file->unavailable);
  }
  return update;
}

void SiteFiles::note_changes(const MainPart& main) {
  const UserDatabaseStamp users = UserDatabaseStamp::now();
  users_changed_ = users != users_stamp_;
  users_stamp_ = users;
  surroundings_changed_ = main.surroundings != surroundings_;
  surroundings_ = main.surroundings;
  main_changed_ = main.section != main_;
  if (!main_changed_) return;
  main_ = main.section;
  claims_ = {};
  ProblemList none(nullptr);
  claims_.claim(&main.path, *main_, main.places, none);
}

SiteFiles::File& SiteFiles::file_of(const std::string& path) {
  File& file = files_[path];
  if (!file.path) file.path = std::make_shared<const std::string>(path);
  return file;
}

// After file_of() of each path.
void SiteFiles::forget_all_but(const std::vector<std::string>& paths) {
  if (files_.size() == paths.size()) return;
  const std::unordered_set<std::string_view> listed(paths.begin(), paths.end());
  std::erase_if(files_, [&](const auto& entry) {
    if (listed.contains(entry.first)) return false;
    withdraw(entry.second);
    return true;
  });
}

// With a new main file nothing is claimed yet.
void SiteFiles::withdraw(const File& file) {
  if (file.in_force && !main_changed_) claims_.withdraw(file.path.get(), *file.good);
}

bool SiteFiles::still_valid(const File& file, Tools& tools) const {
  if (!file.good || !file.conclusive || surroundings_changed_) return false;
  auto stamp = tools.files.stamp(*file.path);
  if (!stamp || *stamp != file.stamp) return false;
  const auto& groups = file.good->groups;
  return std::all_of(groups.begin(), groups.end(), [&](const Group& group) {
    return same_modules(group, tools.files) &&
           (!users_changed_ || same_ids(group, file.lists_supplementary_groups, tools.users));
  });
}

// Leaves a candidate or problems.
void SiteFiles::read(Examined& examined, Tools& tools) {
  ProblemList& problems = examined.problems;
  auto text = tools.files.read(*problems.file(), limits::kMaxSiteFile);
  if (!text) return problems.add(text.error().message);
  FileContent content;
  Reading reading{tools, surroundings_, content, problems};
  read_site_file(std::move(text->text), reading);
  if (problems.empty()) {
    examined.candidate = std::move(content);
    examined.candidate_stamp = text->stamp;
  } else {
    // For what more there is to say; it claims nothing.
    claims_.claim(problems.file().get(), content.section, content.places, problems);
    examined.wrong = std::move(content.section);
  }
}

// Names belong to who has them, then to who asks first: a file that is read again and wants no others than
// it had comes before all that want more.
void SiteFiles::put_in_force(std::deque<Examined>& all) {
  for (Examined& examined : all) {
    if (!examined.candidate) keep(examined);
  }
  std::vector<Examined*> later;
  for (Examined& examined : all) {
    if (!examined.candidate) continue;
    if (wants_more(examined.candidate->section, examined.file.good.get())) {
      later.push_back(&examined);
    } else {
      adopt(examined);
    }
  }
  for (Examined* examined : later) adopt(*examined);
  std::unordered_set<std::string> taken;  // by files that are not in force
  for (Examined& examined : all) {
    if (!examined.file.in_force) name_unavailable(examined, taken);
  }
}

// Leaves the last good version in force, if there is one and it still fits.
void SiteFiles::keep(Examined& examined) {
  File& file = examined.file;
  if (!file.good) return;
  // It was checked against the main file of its time.
  if (!examined.problems.empty() && !all_may_run(file.good->groups, surroundings_)) {
    return examined.problems.add("the previous version of this file may not run any more either");
  }
  ProblemList collisions(file.path);
  file.in_force = claims_.claim(file.path.get(), *file.good, {}, collisions);
  if (file.in_force) return;
  const bool unchanged = examined.problems.empty();
  examined.problems.append(collisions);
  if (!unchanged) {
    examined.problems.add("the previous version of this file does not fit any more either");
  }
}

void SiteFiles::adopt(Examined& examined) {
  File& file = examined.file;
  FileContent& content = *examined.candidate;
  file.in_force =
      claims_.claim(file.path.get(), content.section, content.places, examined.problems);
  if (file.in_force) return;
  examined.wrong = std::move(content.section);
  examined.candidate.reset();
  keep(examined);
}

void SiteFiles::name_unavailable(Examined& examined, std::unordered_set<std::string>& taken) const {
  File& file = examined.file;
  Section names;
  if (examined.wrong) {
    names = std::move(*examined.wrong);
  } else if (file.good) {
    names.virtual_hosts = file.good->virtual_hosts;
  }
  file.unavailable =
      std::make_shared<const Section>(unavailable_hosts(std::move(names), claims_, taken));
}

// Ends the update of one file.
void SiteFiles::settle(Examined& examined, std::vector<Problem>& problems) {
  File& file = examined.file;
  file.conclusive = examined.problems.empty();
  if (file.in_force) file.unavailable.reset();
  if (examined.candidate) {
    // The elements, which the claims point into, stay where they are.
    file.good = std::make_shared<const Section>(std::move(examined.candidate->section));
    file.lists_supplementary_groups = examined.candidate->lists_supplementary_groups;
    file.stamp = examined.candidate_stamp;
    file.conclusive = is_settled(file.stamp);
  }
  examined.problems.move_to(problems);
}

}  // namespace dmpm::config
