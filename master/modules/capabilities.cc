// capabilities: which of root's powers the workers keep, and that no program gives them another.
//
//   "capabilities": { "keep": ["NET_BIND_SERVICE"] }
//
// The bounding set is reduced to what is kept, so with nothing kept the module still does that.
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "master/permission_module.h"

namespace {

constexpr char kRoot[] = "it amounts to being root";
constexpr char kFiles[] = "it opens other groups' files";
constexpr char kProcesses[] = "it reaches other groups' processes";
constexpr char kNetwork[] = "it reads, forges or redirects other groups' traffic";
constexpr char kMachine[] = "it changes the machine for all groups";

struct Capability {
  const char* name;
  int number;
  const char* refused;  // why no group may keep it; null: it may
};
constexpr Capability kAll[] = {
    {"CHOWN", CAP_CHOWN, kRoot},
    {"DAC_OVERRIDE", CAP_DAC_OVERRIDE, kRoot},
    {"DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, kFiles},
    {"FOWNER", CAP_FOWNER, kRoot},
    {"FSETID", CAP_FSETID, kFiles},
    {"KILL", CAP_KILL, kProcesses},
    {"SETGID", CAP_SETGID, kRoot},
    {"SETUID", CAP_SETUID, kRoot},
    {"SETPCAP", CAP_SETPCAP, kRoot},
    {"LINUX_IMMUTABLE", CAP_LINUX_IMMUTABLE, kFiles},
    {"NET_BIND_SERVICE", CAP_NET_BIND_SERVICE, nullptr},
    {"NET_BROADCAST", CAP_NET_BROADCAST, kNetwork},
    {"NET_ADMIN", CAP_NET_ADMIN, kNetwork},
    {"NET_RAW", CAP_NET_RAW, kNetwork},
    {"IPC_LOCK", CAP_IPC_LOCK, nullptr},
    {"IPC_OWNER", CAP_IPC_OWNER, kProcesses},
    {"SYS_MODULE", CAP_SYS_MODULE, kRoot},
    {"SYS_RAWIO", CAP_SYS_RAWIO, kRoot},
    {"SYS_CHROOT", CAP_SYS_CHROOT, kRoot},
    {"SYS_PTRACE", CAP_SYS_PTRACE, kRoot},
    {"SYS_PACCT", CAP_SYS_PACCT, kMachine},
    {"SYS_ADMIN", CAP_SYS_ADMIN, kRoot},
    {"SYS_BOOT", CAP_SYS_BOOT, kMachine},
    {"SYS_NICE", CAP_SYS_NICE, kProcesses},
    {"SYS_RESOURCE", CAP_SYS_RESOURCE, kMachine},
    {"SYS_TIME", CAP_SYS_TIME, kMachine},
    {"SYS_TTY_CONFIG", CAP_SYS_TTY_CONFIG, kMachine},
    {"MKNOD", CAP_MKNOD, kRoot},
    {"LEASE", CAP_LEASE, kFiles},
    {"AUDIT_WRITE", CAP_AUDIT_WRITE, kMachine},
    {"AUDIT_CONTROL", CAP_AUDIT_CONTROL, kMachine},
    {"SETFCAP", CAP_SETFCAP, kRoot},
    {"MAC_OVERRIDE", CAP_MAC_OVERRIDE, kRoot},
    {"MAC_ADMIN", CAP_MAC_ADMIN, kRoot},
    {"SYSLOG", CAP_SYSLOG, kMachine},
    {"WAKE_ALARM", CAP_WAKE_ALARM, kMachine},
    {"BLOCK_SUSPEND", CAP_BLOCK_SUSPEND, kMachine},
    {"AUDIT_READ", CAP_AUDIT_READ, kMachine},
    {"PERFMON", CAP_PERFMON, kProcesses},
    {"BPF", CAP_BPF, kRoot},
    {"CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE, kProcesses},
};

constexpr uint64_t bit(int number) {
  return uint64_t{1} << number;
}

// Its bit; 0 when it was reported.
uint64_t read_name(const dmpm_reader& dmpm, const dmpm_value* value) {
  constexpr char kExpected[] = "the name of a capability such as \"NET_BIND_SERVICE\"";
  const char* name = nullptr;
  if (dmpm.string(value, kExpected, &name) == 0) return 0;
  for (const Capability& capability : kAll) {
    if (std::strcmp(name, capability.name) != 0) continue;
    if (capability.refused == nullptr) return bit(capability.number);
    const std::string why = std::string("the capability \"") + name +
                            "\" cannot be kept: " + capability.refused +
                            "; only NET_BIND_SERVICE and IPC_LOCK can";
    dmpm.error(value, why.c_str());
    return 0;
  }
  dmpm.wrong(value, kExpected);
  return 0;
}

void read(const dmpm_reader* dmpm) {
  uint64_t kept = 0;
  const dmpm_value* list = dmpm->member(dmpm->settings, "keep");
  for (size_t i = 0; const dmpm_value* name = dmpm->element(list, i); ++i) {
    kept |= read_name(*dmpm, name);
  }
  dmpm->emit(dmpm, &kept, sizeof kept);
}

// While it is allowed: as root. What is kept has to live through the change of ids.
int reduce_bounding_set(const dmpm_worker* worker, uint64_t kept) {
  for (int number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number) {
    if ((kept & bit(number)) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) {
      return worker->fail(worker, "prctl PR_CAPBSET_DROP", errno);
    }
  }
  if (kept != 0 && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
    return worker->fail(worker, "prctl PR_SET_KEEPCAPS", errno);
  }
  return 0;
}

// Ambient: they survive the exec of an ordinary program.
int keep(const dmpm_worker* worker, uint64_t kept) {
  if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) {
    return worker->fail(worker, "prctl PR_SET_KEEPCAPS", errno);
  }
  const auto low = static_cast<uint32_t>(kept);
  const auto high = static_cast<uint32_t>(kept >> 32);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct data[2] = {{low, low, low}, {high, high, high}};
  if (::syscall(SYS_capset, &header, data) != 0) return worker->fail(worker, "capset", errno);
  for (const Capability& capability : kAll) {
    if ((kept & bit(capability.number)) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability.number, 0, 0) != 0) {
      return worker->fail(worker, "prctl PR_CAP_AMBIENT_RAISE", errno);
    }
  }
  return 0;
}

int apply(const dmpm_worker* worker) {
  uint64_t kept = 0;
  std::memcpy(&kept, worker->settings, sizeof kept);
  return worker->stage == DMPM_BEFORE_IDS ? reduce_bounding_set(worker, kept) : keep(worker, kept);
}

}  // namespace

const dmpm_module dmpm_permission_module = {DMPM_PERMISSION_MODULE_ABI,
                                            DMPM_BEFORE_IDS | DMPM_AFTER_IDS, read, apply};
