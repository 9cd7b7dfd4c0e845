#include "cli/warnings_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "config/problem_list.h"

namespace dmpm::cli {
namespace {

using config::Group;

// What each preset executes (worker-adapter/presets/).
struct PresetProgram {
  std::string_view preset, program;
};
constexpr PresetProgram kPresetPrograms[] = {
    {"static", "/usr/sbin/lighttpd"}, {"php", "/usr/sbin/lighttpd"},
    {"php", "/usr/bin/php-cgi"},      {"apache", "/usr/sbin/apache2"},
    {"node", "/usr/bin/node"},        {"python", "/usr/bin/gunicorn"}};

// A path as a worker of the group sees it: in its root directory, also where links lead.
class InRoot {
 public:
  explicit InRoot(const std::string& root)
      : root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), name_(root) {}

  enum class Found { yes, no, unknown };
  Found find(const std::string& path, struct stat& status) const {
    const Fd fd = open(path, O_PATH);
    if (fd) return ::fstat(fd.get(), &status) == 0 ? Found::yes : Found::unknown;
    return errno == ENOENT || errno == ENOTDIR ? Found::no : Found::unknown;
  }
  // Its first bytes; empty when they cannot be read.
  std::string beginning(const std::string& path) const {
    std::array<char, 256> bytes;
    const Fd fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const ssize_t size = fd ? ::read(fd.get(), bytes.data(), bytes.size()) : 0;
    return {bytes.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))};
  }
  // "there is no " of it ...
  std::string within() const {
    return name_ == "/" ? std::string() : concat({" in the root directory ", name_});
  }

 private:
  Fd open(const std::string& path, int flags) const {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT;
    return Fd(
        static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
  }
  const Fd root_;
  const std::string name_;
};

// As the kernel decides, without capabilities. `bit` is that of others.
bool may(const config::Permissions& who, const struct stat& status, mode_t bit) {
  if (status.st_uid == who.identity.uid) return (status.st_mode & bit << 6) != 0;
  const auto& groups = who.supplementary_groups;
  const bool in_group = status.st_gid == who.identity.gid ||
                        std::find(groups.begin(), groups.end(), status.st_gid) != groups.end();
  return (status.st_mode & (in_group ? bit << 3 : bit)) != 0;
}

// "#!/usr/bin/env python3" -> "/usr/bin/env".
std::optional<std::string> interpreter(const std::string& beginning) {
  if (!beginning.starts_with("#!")) return std::nullopt;
  const size_t begin = beginning.find_first_not_of(" \t", 2);
  if (begin == std::string::npos || beginning[begin] != '/') return std::nullopt;
  return beginning.substr(begin, beginning.find_first_of(" \t\r\n", begin) - begin);
}

std::string value_of(const Group& group, std::string_view key) {
  for (const std::string& argument : group.worker.adapter) {
    if (argument.starts_with(concat({key, "="}))) return argument.substr(key.size() + 1);
  }
  return {};
}

std::vector<std::string> programs_of(const Group& group) {
  if (!group.worker.command.empty()) return {group.worker.command.front()};
  std::vector<std::string> programs;
  const auto& adapter = group.worker.adapter;
  for (const PresetProgram& each : kPresetPrograms) {
    if (adapter.size() > 1 && adapter[0] == "preset" && adapter[1] == each.preset) {
      programs.emplace_back(each.program);
    }
  }
  return programs;
}

void look_at_program(const Group& group, const InRoot& root, const std::string& program,
                     const Warn& warn) {
  struct stat status {};
  const InRoot::Found found = root.find(program, status);
  if (found == InRoot::Found::no) {
    return warn(concat({"there is no program ", program, root.within()}));
  }
  if (found != InRoot::Found::yes) return;
  if (!S_ISREG(status.st_mode) || !may(group.permissions, status, S_IXOTH)) {
    return warn(concat({"the user ", config::quoted(group.permissions.identity.user),
                        " may not execute ", program, root.within()}));
  }
  const auto needed = interpreter(root.beginning(program));
  if (needed && root.find(*needed, status) == InRoot::Found::no) {
    warn(concat({"there is no ", *needed, root.within(), ", which ", program, " needs"}));
  }
}

void look_at_directory(const Group& group, const InRoot& root, const std::string& path,
                       std::string_view what, const Warn& warn) {
  struct stat status {};
  const InRoot::Found found = root.find(path, status);
  if (found == InRoot::Found::no || (found == InRoot::Found::yes && !S_ISDIR(status.st_mode))) {
    return warn(concat({"the ", what, " ", path, " is no directory", root.within()}));
  }
  if (found == InRoot::Found::yes && !may(group.permissions, status, S_IXOTH)) {
    warn(concat({"the user ", config::quoted(group.permissions.identity.user),
                 " may not enter the ", what, " ", path, root.within()}));
  }
}

// One that is the user's own: what system users are given is often everybody's.
void look_at_home(const Group& group, const std::string& home, const Warn& warn) {
  struct stat status {};
  if (::stat(home.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      status.st_uid != group.permissions.identity.uid) {
    return;
  }
  const mode_t others = status.st_mode & (S_IROTH | S_IWOTH);
  if (others == 0) return;
  warn(concat({"the home directory ", home, " of ", config::quoted(group.permissions.identity.user),
               " can be ", others == S_IROTH ? "read" : "written",
               " by every user of this machine: chmod o-rwx"}));
}

}  // namespace

std::string FileWarnings::home_of(const std::string& user) {
  if (many_ && homes_.empty()) {
    ::setpwent();
    while (const passwd* entry = ::getpwent()) homes_.emplace(entry->pw_name, entry->pw_dir);
    ::endpwent();
  }
  const auto [entry, added] = homes_.try_emplace(user);
  if (added) {
    const passwd* found = ::getpwnam(user.c_str());
    if (found != nullptr) entry->second = found->pw_dir;
  }
  return entry->second;
}

void FileWarnings::look_at(const Group& group, const Warn& warn) {
  const std::string& user = group.permissions.identity.user;
  if (looked_at_.insert(user).second) look_at_home(group, home_of(user), warn);
  const InRoot root(group.permissions.root);
  for (const std::string& program : programs_of(group)) look_at_program(group, root, program, warn);
  look_at_directory(group, root, group.worker.directory, "directory", warn);
  const std::string document_root = value_of(group, "document_root");
  if (!document_root.empty()) {
    look_at_directory(group, root, document_root, "document root", warn);
  }
}

}  // namespace dmpm::cli
