// cgroup: what the workers of a group may use together, and that nothing of one outlives it.
//
//   "cgroup": { "memory_max": "512M", "cpus": 1.5, "processes": 100 }
//
// Each worker is in dmpm/GROUP/NUMBER.PID, under /sys/fs/cgroup (version 2), and for each limit
// whose controller the machine has in version 1, under /sys/fs/cgroup/{memory,cpu,pids} as well (no
// more of these than needed: entering one costs milliseconds). The limits are those of dmpm/GROUP.
// "parent" names another directory than dmpm.
//
// When a worker has ended, whatever is left in its cgroup is killed (cgroup.kill of version 2,
// which has to be mounted, if without controllers) and the empty directories go.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "master/permission_module.h"

namespace {

// ---- the settings ----

struct Limits {
  uint64_t memory;      // bytes; 0: none
  uint32_t milli_cpus;  // 0: none
  uint32_t processes;   // 0: none
  char parent[64];
};

constexpr uint64_t kLeastMemory = uint64_t{1} << 20, kMostMemory = uint64_t{1} << 50;
constexpr int64_t kMostProcesses = 4'194'304;  // the kernel's own
constexpr uint32_t kLeastMilliCpus = 10, kMostMilliCpus = 1'024'000;
constexpr char kCpusExpected[] = "a number of processors from 0.01 to 1024 such as 1.5";
constexpr char kParentExpected[] = "the name of a directory, of at most 63 of A-Z a-z 0-9 _ - .";
constexpr char kNameCharacters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

// "1.5" -> 1500; 0 when it is no such number.
uint32_t parse_cpus(const std::string& text) {
  const size_t point = text.find('.');
  const std::string whole = text.substr(0, point);
  std::string thousandths = point == std::string::npos ? "000" : text.substr(point + 1);
  if (whole.empty() || whole.size() > 4 || thousandths.empty() || thousandths.size() > 3) return 0;
  thousandths.resize(3, '0');
  uint32_t milli = 0;
  for (const char c : whole + thousandths) {
    if (c < '0' || c > '9') return 0;
    milli = milli * 10 + static_cast<uint32_t>(c - '0');
  }
  return milli >= kLeastMilliCpus && milli <= kMostMilliCpus ? milli : 0;
}

bool is_directory_name(const char* text) {
  const size_t size = std::strlen(text);
  return size > 0 && size < sizeof Limits{}.parent && text[0] != '.' &&
         std::strspn(text, kNameCharacters) == size;
}

void read(const dmpm_reader* dmpm) {
  Limits limits{};
  dmpm->bytes(dmpm->member(dmpm->settings, "memory_max"), kLeastMemory, kMostMemory,
              &limits.memory);
  const dmpm_value* cpus = dmpm->member(dmpm->settings, "cpus");
  const char* text = nullptr;
  if (dmpm->text(cpus, kCpusExpected, &text) != 0) {
    limits.milli_cpus = parse_cpus(text);
    if (limits.milli_cpus == 0) dmpm->wrong(cpus, kCpusExpected);
  }
  int64_t processes = 0;
  dmpm->integer(dmpm->member(dmpm->settings, "processes"), 1, kMostProcesses, &processes);
  limits.processes = static_cast<uint32_t>(processes);
  const dmpm_value* parent = dmpm->member(dmpm->settings, "parent");
  text = "dmpm";
  dmpm->string(parent, kParentExpected, &text);
  if (is_directory_name(text)) {
    std::memcpy(limits.parent, text, std::strlen(text) + 1);
  } else {
    dmpm->wrong(parent, kParentExpected);
  }
  dmpm->emit(dmpm, &limits, sizeof limits);
}

// ---- the machine's cgroups ----

constexpr char kTop[] = "/sys/fs/cgroup";
constexpr std::chrono::milliseconds kKillTime{2'000};  // that SIGKILL may take
constexpr int kTries = 5;  // another worker of the group may be clearing away

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

bool write_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(fd);
  errno = error;
  return done;
}

// The top of version 2; empty when it is not there.
std::string unified() {
  for (const char* place : {"", "/unified"}) {
    std::string top = std::string(kTop) + place;
    if (exists(top + "/cgroup.controllers")) return top;
  }
  return {};
}

// The top of the controller's own hierarchy, if the machine has it in version 1; else empty.
std::string version_1(const char* controller) {
  std::string top = std::string(kTop) + "/" + controller;
  return exists(top + "/cgroup.clone_children") ? top : std::string();
}

// TOP/dmpm/GROUP/NUMBER.PID, and what is above it.
struct Path {
  Path(const std::string& top, const dmpm_worker* of, const Limits& limits)
      : parent(top + "/" + limits.parent),
        group(parent + "/" + of->group),
        worker(group + "/" + std::to_string(of->number) + "." + std::to_string(of->pid)) {}
  const std::string parent, group, worker;
};

int fail_at(const dmpm_worker* worker, const std::string& path) {
  const int error = errno;
  return worker->fail(worker, path.c_str(), error);
}

// ---- the start of a worker ----

bool make(const std::string& directory) {
  return ::mkdir(directory.c_str(), 0755) == 0 || errno == EEXIST;
}

int enter(const dmpm_worker* worker, const Path& path) {
  bool made = false;
  for (int i = 0; i < kTries && !made; ++i) {
    made = make(path.parent) && make(path.group) && make(path.worker);
    if (!made && errno != ENOENT) break;
  }
  if (!made) return fail_at(worker, path.worker);
  const std::string processes = path.worker + "/cgroup.procs";
  return write_file(processes, "0") ? 0 : fail_at(worker, processes);  // 0: this process
}

struct Setting {
  const char* controller;
  const char* file_1;
  std::string value_1;
  const char* file_2;
  std::string value_2;
};

std::vector<Setting> settings_of(const Limits& limits) {
  std::vector<Setting> all;
  if (limits.memory != 0) {
    const std::string bytes = std::to_string(limits.memory);
    all.push_back({"memory", "memory.limit_in_bytes", bytes, "memory.max", bytes});
  }
  if (limits.milli_cpus != 0) {
    const std::string quota = std::to_string(limits.milli_cpus * 100);  // of 100,000 microseconds
    all.push_back({"cpu", "cpu.cfs_quota_us", quota, "cpu.max", quota + " 100000"});
  }
  if (limits.processes != 0) {
    const std::string count = std::to_string(limits.processes);
    all.push_back({"pids", "pids.max", count, "pids.max", count});
  }
  return all;
}

// In version 2 a directory has a controller's files if the one above says so.
bool enable(const std::string& directory, const char* controller) {
  return write_file(directory + "/cgroup.subtree_control", std::string("+") + controller);
}

// The worker is there already in version 2, where only the controller may be missing.
int set(const dmpm_worker* worker, const Limits& limits, const std::string& version_2,
        const Setting& setting) {
  const std::string own = version_1(setting.controller);
  const bool old = !own.empty();
  const Path path(old ? own : version_2, worker, limits);
  if (old && enter(worker, path) != 0) return -1;
  if (!old &&
      (!enable(version_2, setting.controller) || !enable(path.parent, setting.controller))) {
    return fail_at(worker, std::string("enabling the controller ") + setting.controller);
  }
  const std::string file = path.group + "/" + (old ? setting.file_1 : setting.file_2);
  return write_file(file, old ? setting.value_1 : setting.value_2) ? 0 : fail_at(worker, file);
}

int start(const dmpm_worker* worker, const Limits& limits) {
  const std::string version_2 = unified();
  if (version_2.empty()) {
    return worker->fail(worker, "no cgroup2 is mounted on /sys/fs/cgroup or its unified/", 0);
  }
  if (enter(worker, Path(version_2, worker, limits)) != 0) return -1;
  for (const Setting& setting : settings_of(limits)) {
    if (set(worker, limits, version_2, setting) != 0) return -1;
  }
  return 0;
}

// ---- the end of a worker ----

// Waits until nothing is alive in it.
bool becomes_empty(const std::string& directory) {
  const int fd = ::open((directory + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + kKillTime;
  bool empty = false;
  while (true) {
    char text[256] = {};
    if (::pread(fd, text, sizeof text - 1, 0) < 0) break;
    empty = std::strstr(text, "populated 0") != nullptr;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (empty || left.count() <= 0) break;
    pollfd change{fd, POLLPRI, 0};
    ::poll(&change, 1, static_cast<int>(left.count()));
  }
  ::close(fd);
  return empty;
}

int kill_what_is_left(const dmpm_worker* worker, const std::string& directory) {
  const std::string kill = directory + "/cgroup.kill";
  if (!exists(directory)) return 0;
  if (!write_file(kill, "1")) return fail_at(worker, kill);
  return becomes_empty(directory) ? 0 : worker->fail(worker, "processes do not die of SIGKILL", 0);
}

int remove(const dmpm_worker* worker, const Path& path) {
  if (::rmdir(path.worker.c_str()) != 0 && errno != ENOENT) return fail_at(worker, path.worker);
  // The last one takes the rest along; others keep it.
  if (::rmdir(path.group.c_str()) == 0) ::rmdir(path.parent.c_str());
  return 0;
}

int end(const dmpm_worker* worker, const Limits& limits) {
  const Path path(unified(), worker, limits);
  if (kill_what_is_left(worker, path.worker) != 0 || remove(worker, path) != 0) return -1;
  for (const Setting& setting : settings_of(limits)) {
    const std::string own = version_1(setting.controller);
    if (!own.empty() && remove(worker, Path(own, worker, limits)) != 0) return -1;
  }
  return 0;
}

int apply(const dmpm_worker* worker) {
  Limits limits;
  std::memcpy(&limits, worker->settings, sizeof limits);
  return worker->stage == DMPM_ENDED ? end(worker, limits) : start(worker, limits);
}

}  // namespace

const dmpm_module dmpm_permission_module = {DMPM_PERMISSION_MODULE_ABI,
                                            DMPM_BEFORE_ROOT | DMPM_ENDED, read, apply};
