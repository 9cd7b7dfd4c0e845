// landlock: which files the workers get at, whatever their modes say, and which TCP ports.
//
//   "landlock": { "execute": ["/usr", "/lib", "/lib64"], "read": ["/etc"],
//                 "read_write": ["/home/alice"], "tcp_connect": [3306] }
//
// Everything else is denied, so the program and its libraries must be below a path of "execute".
// Where a list of ports is given, other ports are denied. From ABI 6 on, the worker reaches no
// abstract Unix socket and signals no process outside its own. "optional": a kernel that has no
// Landlock, or not enough of it, is no error.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "master/permission_module.h"

namespace {

// ---- the kernel's interface ----
// As in linux/landlock.h of Linux 6.12, which is newer than those of the machines to build on.

struct Ruleset {
  uint64_t files, ports, scoped;
};
struct __attribute__((packed)) PathRule {
  uint64_t allowed;
  int32_t fd;
};
struct PortRule {
  uint64_t allowed, port;
};
constexpr unsigned kVersion = 1;  // flag: asks for the ABI
constexpr int kPathRule = 1, kPortRule = 2;

constexpr uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadDir = 1 << 3;
constexpr uint64_t kAbi1 = (1 << 13) - 1;  // these, removing, and making of each kind of file
constexpr uint64_t kRefer = 1 << 13, kTruncate = 1 << 14, kIoctl = 1 << 15;
// What makes sense for a file that is no directory.
constexpr uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctl;
constexpr uint64_t kBind = 1 << 0, kConnect = 1 << 1;
constexpr uint64_t kAbstractSockets = 1 << 0, kSignals = 1 << 1;
constexpr long kAbiOfPorts = 4, kAbiOfScopes = 6;

uint64_t files_of(long abi) {
  return kAbi1 | (abi >= 2 ? kRefer : 0) | (abi >= 3 ? kTruncate : 0) | (abi >= 5 ? kIoctl : 0);
}

// ---- the settings: strings, each ended by a zero byte, the first byte says what ----

constexpr char kOptional = 'o', kBindPort = 'b', kConnectPort = 'c', kBindList = 'B',
               kConnectList = 'C', kWritable = 'w';
struct PathKey {
  const char* key;
  char kind;
  uint64_t allowed;
};
constexpr PathKey kPathKeys[] = {
    {"execute", 'x', kExecute | kReadFile | kReadDir},
    {"read", 'r', kReadFile | kReadDir},
    {"read_write", kWritable, kAbi1 & ~kExecute},  // and what later ABIs have
};

void emit(const dmpm_reader* dmpm, char kind, const std::string& text) {
  const std::string entry = kind + text;
  dmpm->emit(dmpm, entry.c_str(), entry.size() + 1);
}

// `listed` stands for the list, which may be empty: then no port is allowed.
void read_ports(const dmpm_reader* dmpm, const char* key, char kind, char listed) {
  const dmpm_value* list = dmpm->member(dmpm->settings, key);
  if (list == nullptr) return;
  emit(dmpm, listed, "");
  for (size_t i = 0; const dmpm_value* value = dmpm->element(list, i); ++i) {
    int64_t port = 0;
    if (dmpm->integer(value, 0, 65'535, &port) != 0) emit(dmpm, kind, std::to_string(port));
  }
}

void read(const dmpm_reader* dmpm) {
  int optional = 0;
  dmpm->boolean(dmpm->member(dmpm->settings, "optional"), &optional);
  if (optional != 0) emit(dmpm, kOptional, "");
  for (const PathKey& paths : kPathKeys) {
    const dmpm_value* list = dmpm->member(dmpm->settings, paths.key);
    for (size_t i = 0; const dmpm_value* value = dmpm->element(list, i); ++i) {
      const char* path = nullptr;
      if (dmpm->absolute_path(value, &path) != 0) emit(dmpm, paths.kind, path);
    }
  }
  read_ports(dmpm, "tcp_bind", kBindPort, kBindList);
  read_ports(dmpm, "tcp_connect", kConnectPort, kConnectList);
}

// ---- in the worker ----

// A descriptor that closes itself.
struct Descriptor {
  explicit Descriptor(long number) : fd(static_cast<int>(number)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  const int fd;
};

// Calls function(kind, text) for each setting until one does not return 0.
template <typename Function>
int for_each(const dmpm_worker* worker, Function function) {
  const char* entry = static_cast<const char*>(worker->settings);
  const char* end = entry + worker->settings_size;
  for (; entry < end; entry += std::strlen(entry) + 1) {
    if (function(entry[0], entry + 1) != 0) return -1;
  }
  return 0;
}

bool has(const dmpm_worker* worker, char kind) {
  return for_each(worker, [kind](char found, const char*) { return found == kind ? -1 : 0; }) != 0;
}

int fail_at(const dmpm_worker* worker, const char* path) {
  const int error = errno;
  return worker->fail(worker, path, error);
}

int allow_path(const dmpm_worker* worker, int ruleset, const char* path, uint64_t allowed) {
  const Descriptor file(::open(path, O_PATH | O_CLOEXEC));
  struct stat status {};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) return fail_at(worker, path);
  const PathRule rule{S_ISDIR(status.st_mode) ? allowed : allowed & kOfFiles, file.fd};
  if (::syscall(SYS_landlock_add_rule, ruleset, kPathRule, &rule, 0) != 0) {
    return fail_at(worker, path);
  }
  return 0;
}

// The log: /dev/stderr can be opened anew. Not every kind of pipe needs, or takes, the rule.
void allow_log(int ruleset) {
  const PathRule rule{kWriteFile, STDERR_FILENO};
  ::syscall(SYS_landlock_add_rule, ruleset, kPathRule, &rule, 0);
}

int allow_port(const dmpm_worker* worker, int ruleset, const char* port, uint64_t allowed) {
  const PortRule rule{allowed, std::strtoull(port, nullptr, 10)};
  if (::syscall(SYS_landlock_add_rule, ruleset, kPortRule, &rule, 0) != 0) {
    return worker->fail(worker, "allowing a port", errno);
  }
  return 0;
}

int add_rules(const dmpm_worker* worker, int ruleset, uint64_t files) {
  allow_log(ruleset);
  return for_each(worker, [&](char kind, const char* text) {
    for (const PathKey& paths : kPathKeys) {
      if (kind != paths.kind) continue;
      const uint64_t newer = kind == kWritable ? files & ~kAbi1 : 0;
      return allow_path(worker, ruleset, text, paths.allowed | newer);
    }
    if (kind == kBindPort) return allow_port(worker, ruleset, text, kBind);
    if (kind == kConnectPort) return allow_port(worker, ruleset, text, kConnect);
    return 0;
  });
}

int apply(const dmpm_worker* worker) {
  const uint64_t ports =
      (has(worker, kBindList) ? kBind : 0) | (has(worker, kConnectList) ? kConnect : 0);
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion);
  if (abi < (ports != 0 ? kAbiOfPorts : 1)) {
    if (has(worker, kOptional)) return 0;
    return abi < 0 ? worker->fail(worker, "this kernel has no Landlock", errno)
                   : worker->fail(worker, "this kernel's Landlock knows no TCP ports", 0);
  }
  const bool scopes = abi >= kAbiOfScopes;
  const Ruleset rules{files_of(abi), ports, scopes ? kAbstractSockets | kSignals : 0};
  // A kernel takes no more of the struct than it knows.
  const size_t size = (scopes ? 3 : abi >= kAbiOfPorts ? 2 : 1) * sizeof(uint64_t);
  const Descriptor ruleset(::syscall(SYS_landlock_create_ruleset, &rules, size, 0));
  if (ruleset.fd < 0) return worker->fail(worker, "landlock_create_ruleset", errno);
  if (add_rules(worker, ruleset.fd, rules.files) != 0) return -1;
  if (::syscall(SYS_landlock_restrict_self, ruleset.fd, 0) != 0) {
    return worker->fail(worker, "landlock_restrict_self", errno);
  }
  return 0;
}

}  // namespace

const dmpm_module dmpm_permission_module = {DMPM_PERMISSION_MODULE_ABI, DMPM_AFTER_IDS, read,
                                            apply};
