#include "master/worker_cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "master/limits.h"

namespace dmpm::master {

namespace {

Fd open_directory(int at, const std::string& name) {
  return Fd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

void kill_all_in(int directory) {
  const Fd file(::openat(directory, "cgroup.kill", O_WRONLY | O_CLOEXEC));
  // There is nobody to tell: what cannot be killed shows as a cgroup that stays.
  if (file && ::write(file.get(), "1", 1) < 0) return;
}

// Where the one cgroup2 hierarchy is mounted; empty: nowhere. A line of mountinfo: "41 31 0:38 /
// /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw".
std::string mount_point() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream fields(line);
    std::string skipped, root, point;
    fields >> skipped >> skipped >> skipped >> root >> point;
    if (root == "/") return point;
  }
  return {};
}

// The master's own place in it: "0::/system.slice/dmpm.service".
std::string own_place() {
  std::ifstream places("/proc/self/cgroup");
  for (std::string line; std::getline(places, line);) {
    if (line.starts_with("0::/")) return line == "0::/" ? "" : line.substr(3);
  }
  return {};
}

// Removes the cgroups below `name` that no process is in.
void remove_empty(int at, const std::string& name) {
  Fd directory = open_directory(at, name);
  if (!directory) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(directory.release()), ::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    ::unlinkat(::dirfd(entries.get()), entry->d_name, AT_REMOVEDIR);
  }
}

// Removes cgroups from the leaves on; false when a process is still in one.
bool remove_tree(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.is_directory(error)) remove_tree(entry.path());
  }
  return ::rmdir(path.c_str()) == 0 || errno == ENOENT;
}

}  // namespace

// ---- one worker's ----

Result<WorkerCgroup> WorkerCgroup::make(int base, std::string group, uint32_t worker) {
  const std::string first = concat({group, "/", std::to_string(worker)});
  std::string name = first;
  for (int n = 1; ::mkdirat(base, name.c_str(), 0755) != 0; ++n) {
    if (errno == ENOENT && ::mkdirat(base, group.c_str(), 0755) == 0) continue;
    if (errno != EEXIST || n > kMaxDyingCgroups) {
      return Error::from_errno(concat({"cannot make the cgroup ", name}), errno);
    }
    name = concat({first, "-", std::to_string(n)});
  }
  Fd directory = open_directory(base, name);
  if (!directory) return Error::from_errno(concat({"cannot open the cgroup ", name}), errno);
  return WorkerCgroup(base, std::move(group), std::move(name), std::move(directory));
}

std::optional<WorkerCgroup> WorkerCgroup::take_over(int base, const std::string& group,
                                                    uint32_t worker, pid_t pid) {
  const std::string first = concat({group, "/", std::to_string(worker)});
  for (int n = 0; n <= kMaxDyingCgroups; ++n) {
    const std::string name = n == 0 ? first : concat({first, "-", std::to_string(n)});
    WorkerCgroup found(base, group, name, open_directory(base, name));
    const std::vector<pid_t> in =
        found.directory_ ? found.processes(kMaxTakenOver) : std::vector<pid_t>();
    if (std::find(in.begin(), in.end(), pid) != in.end()) return found;
    found.directory_.reset();  // somebody else's: its end is not ours to make
  }
  return std::nullopt;
}

WorkerCgroup::~WorkerCgroup() {
  if (!directory_) return;
  kill();
  ::unlinkat(base_, name_.c_str(), AT_REMOVEDIR);
  if (::unlinkat(base_, group_.c_str(), AT_REMOVEDIR) == 0) return;
  remove_empty(base_, group_);
  ::unlinkat(base_, group_.c_str(), AT_REMOVEDIR);
}

void WorkerCgroup::kill() const {
  kill_all_in(directory_.get());
}

std::vector<pid_t> WorkerCgroup::processes(size_t most) const {
  std::vector<pid_t> found;
  const Fd file(::openat(directory_.get(), "cgroup.procs", O_RDONLY | O_CLOEXEC));
  std::string text(most * sizeof "4194304", '\0');
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (size <= 0) return found;
  std::istringstream lines(text.substr(0, static_cast<size_t>(size)));
  for (pid_t pid = 0; found.size() < most && lines >> pid;) found.push_back(pid);
  return found;
}

uint64_t WorkerCgroup::cpu_us() const {
  constexpr std::string_view kKey = "usage_usec ";  // of its first line
  const Fd file(::openat(directory_.get(), "cpu.stat", O_RDONLY | O_CLOEXEC));
  char text[64] = "";
  const ssize_t size = file ? ::read(file.get(), text, sizeof text - 1) : -1;
  const bool known = size > 0 && std::string_view(text).starts_with(kKey);
  return known ? std::strtoull(text + kKey.size(), nullptr, 10) : 0;
}

// ---- all of them ----

WorkerCgroups::WorkerCgroups(const std::string& runtime_directory, bool handed_over) {
  if (const Status status = open(runtime_directory, handed_over); !status.ok()) {
    reason_ = status.error().message;
    base_.reset();
  }
}

Status WorkerCgroups::open(const std::string& runtime_directory, bool handed_over) {
  const std::string mount = mount_point();
  if (mount.empty()) return Error{"no cgroup2 hierarchy is mounted"};
  std::string name = runtime_directory;
  std::replace(name.begin(), name.end(), '/', '!');
  path_ = concat({mount, own_place(), "/dmpm", name});
  if (const Fd old = handed_over ? Fd() : open_directory(AT_FDCWD, path_)) kill_all_in(old.get());
  if (!handed_over) remove_tree(path_);
  if (::mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST) {
    return Error::from_errno(concat({"cannot make ", path_}), errno);
  }
  base_ = open_directory(AT_FDCWD, path_);
  if (!base_) return Error::from_errno(concat({"cannot open ", path_}), errno);
  if (::faccessat(base_.get(), "cgroup.kill", W_OK, 0) != 0) {
    return Error{"this kernel has no cgroup.kill (it came with Linux 5.14)"};
  }
  return {};
}

// At the end of the process, which may wait a moment for the dying.
WorkerCgroups::~WorkerCgroups() {
  if (!base_) return;
  kill_all_in(base_.get());
  const auto end = std::chrono::steady_clock::now() + kCgroupRemovalTime;
  while (!remove_tree(path_) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(Milliseconds(2));
  }
}

std::optional<WorkerCgroup> WorkerCgroups::make(const std::string& group, uint32_t worker) const {
  if (!available()) return std::nullopt;
  auto cgroup = WorkerCgroup::make(base_.get(), group, worker);
  if (!cgroup) return std::nullopt;
  return std::move(*cgroup);
}

std::optional<WorkerCgroup> WorkerCgroups::take_over(const std::string& group, uint32_t worker,
                                                     pid_t pid) const {
  if (!available()) return std::nullopt;
  return WorkerCgroup::take_over(base_.get(), group, worker, pid);
}

}  // namespace dmpm::master
