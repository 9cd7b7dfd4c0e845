// namespaces: the workers have their own view of processes, network, files, IPC and host name.
//
//   "namespaces": { "pid": true, "net": true, "ipc": true, "uts": true,
//                   "tmpfs": { "/tmp": "64M" }, "hidden": ["/root"], "read_only": ["/srv"] }
//
// pid: only the group's own processes are there; /proc shows them. net: a loopback interface and
// nothing else. uts: the host is called as the group. A mount namespace ("mount") comes with pid
// and with each of the paths, which are as the worker sees them. Mounts that the machine makes
// later are seen; the worker's are not seen by the machine.
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "master/permission_module.h"

namespace {

// The settings are strings, each ended by a zero byte: what kind, and its path. In the order of
// applying: what is read-only must not keep a tmpfs below it from being written.
constexpr char kFlags = 'f', kHidden = 'h', kReadOnly = 'r', kTmpfs = 't';

struct Kind {
  const char* key;
  int flag;
};
constexpr Kind kKinds[] = {{"mount", CLONE_NEWNS},
                           {"pid", CLONE_NEWPID},
                           {"net", CLONE_NEWNET},
                           {"ipc", CLONE_NEWIPC},
                           {"uts", CLONE_NEWUTS}};

constexpr uint64_t kLeastTmpfs = 4096, kMostTmpfs = uint64_t{1} << 40;

// True when the list is there.
bool read_paths(const dmpm_reader* dmpm, const char* key, char kind, std::string& out) {
  const dmpm_value* list = dmpm->member(dmpm->settings, key);
  for (size_t i = 0; const dmpm_value* value = dmpm->element(list, i); ++i) {
    const char* path = nullptr;
    if (dmpm->absolute_path(value, &path) == 0) continue;
    if (std::strspn(path, "/.") == std::strlen(path)) {
      dmpm->wrong(value, "an absolute path below the root directory");
      continue;
    }
    out += kind + std::string(path) + '\0';
  }
  return list != nullptr;
}

bool read_tmpfs(const dmpm_reader* dmpm, std::string& out) {
  const dmpm_value* object = dmpm->member(dmpm->settings, "tmpfs");
  for (size_t i = 0; const char* path = dmpm->key(object, i); ++i) {
    const dmpm_value* value = dmpm->member(object, path);
    uint64_t size = 0;
    if (dmpm->bytes(value, kLeastTmpfs, kMostTmpfs, &size) == 0) continue;
    if (path[0] != '/' || std::strspn(path, "/.") == std::strlen(path)) {
      dmpm->error(value, "each key of \"tmpfs\" must be the absolute path of a directory");
      continue;
    }
    out += kTmpfs + std::to_string(size) + path + '\0';
  }
  return object != nullptr;
}

void read(const dmpm_reader* dmpm) {
  int flags = 0;
  for (const Kind& kind : kKinds) {
    int wanted = 0;
    dmpm->boolean(dmpm->member(dmpm->settings, kind.key), &wanted);
    if (wanted != 0) flags |= kind.flag;
  }
  std::string paths;
  const bool hides = read_paths(dmpm, "hidden", kHidden, paths);
  const bool protects = read_paths(dmpm, "read_only", kReadOnly, paths);
  const bool makes = read_tmpfs(dmpm, paths);
  if (hides || protects || makes || (flags & CLONE_NEWPID) != 0) flags |= CLONE_NEWNS;
  if (flags == 0) dmpm->error(dmpm->settings, "\"namespaces\" asks for no namespace");
  const std::string first = kFlags + std::to_string(flags) + '\0';
  dmpm->emit(dmpm, first.data(), first.size());
  dmpm->emit(dmpm, paths.data(), paths.size());
}

// ---- as root ----

int fail_at(const dmpm_worker* worker, const char* what, const char* path) {
  const int error = errno;
  return worker->fail(worker, (std::string(what) + " " + path).c_str(), error);
}

int leave_shared_ones(const dmpm_worker* worker, int flags) {
  if (::unshare(flags) != 0) return worker->fail(worker, "unshare", errno);
  if ((flags & CLONE_NEWNS) != 0 &&
      ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return worker->fail(worker, "making all mounts the worker's own", errno);
  }
  if ((flags & CLONE_NEWPID) != 0) worker->enter_pid_namespace(worker);
  return 0;
}

int start_loopback(const dmpm_worker* worker) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return worker->fail(worker, "socket", errno);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const int result = ::ioctl(fd, SIOCSIFFLAGS, &request);
  const int error = errno;
  ::close(fd);
  return result == 0 ? 0 : worker->fail(worker, "starting the loopback interface", error);
}

// What it showed was the machine's. A root directory without /proc stays so.
int renew_proc(const dmpm_worker* worker) {
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0 &&
      errno != ENOENT) {
    return worker->fail(worker, "mounting /proc", errno);
  }
  return 0;
}

// An empty directory, or an empty file.
int hide(const dmpm_worker* worker, const char* path) {
  constexpr unsigned long kFlagsOfMount = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  struct stat status {};
  if (::stat(path, &status) != 0) return fail_at(worker, "hiding", path);
  const bool done = S_ISDIR(status.st_mode)
                        ? ::mount("tmpfs", path, "tmpfs", kFlagsOfMount, "mode=0555,size=4k") == 0
                        : ::mount("/dev/null", path, nullptr, MS_BIND, nullptr) == 0;
  return done ? 0 : fail_at(worker, "hiding", path);
}

// With all that is mounted below it.
int protect(const dmpm_worker* worker, const char* path) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) != 0 ||
      ::mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) != 0) {
    return fail_at(worker, "making read-only", path);
  }
  return 0;
}

// `entry`: the size, then the path.
int mount_tmpfs(const dmpm_worker* worker, const char* entry) {
  const char* path = std::strchr(entry, '/');
  const std::string options = "mode=1777,size=" + std::string(entry, path);
  if (::mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    return fail_at(worker, "a tmpfs on", path);
  }
  return 0;
}

int mount_all(const dmpm_worker* worker) {
  const char* entry = static_cast<const char*>(worker->settings);
  const char* end = entry + worker->settings_size;
  for (; entry < end; entry += std::strlen(entry) + 1) {
    int result = 0;
    if (entry[0] == kHidden) result = hide(worker, entry + 1);
    if (entry[0] == kReadOnly) result = protect(worker, entry + 1);
    if (entry[0] == kTmpfs) result = mount_tmpfs(worker, entry + 1);
    if (result != 0) return result;
  }
  return 0;
}

int furnish(const dmpm_worker* worker, int flags) {
  if ((flags & CLONE_NEWNET) != 0 && start_loopback(worker) != 0) return -1;
  if ((flags & CLONE_NEWUTS) != 0 &&
      ::sethostname(worker->group, std::strlen(worker->group)) != 0) {
    return worker->fail(worker, "sethostname", errno);
  }
  if ((flags & CLONE_NEWPID) != 0 && renew_proc(worker) != 0) return -1;
  return mount_all(worker);
}

int apply(const dmpm_worker* worker) {
  const int flags = std::atoi(static_cast<const char*>(worker->settings) + 1);
  return worker->stage == DMPM_BEFORE_ROOT ? leave_shared_ones(worker, flags)
                                           : furnish(worker, flags);
}

}  // namespace

const dmpm_module dmpm_permission_module = {DMPM_PERMISSION_MODULE_ABI,
                                            DMPM_BEFORE_ROOT | DMPM_BEFORE_IDS, read, apply};
