// seccomp: which system calls the workers cannot make.
//
//   "seccomp": { "preset": "server", "deny": ["personality"], "errno": "EPERM" }
//
// preset: "server" denies what no site's server needs and what attacks on the kernel begin with
// (kServer below); "local" also sockets other than Unix ones. deny: names of more. errno: "EPERM"
// (the default) is what a denied call gives; with "kill" the process dies of it.
//
// The filter is compiled when the configuration is read: what travels is its program.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "master/permission_module.h"

namespace {

// By name, so that a libseccomp that does not know one yet leaves out just that.
constexpr const char* kServer[] = {
    // the kernel itself
    "_sysctl", "bpf", "delete_module", "finit_module", "init_module", "io_uring_enter",
    "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_file_load",
    "kexec_load", "lookup_dcookie", "modify_ldt", "nfsservctl", "perf_event_open", "reboot",
    "syslog", "uselib", "userfaultfd", "vm86",
    // keys, and other processes' memory
    "add_key", "keyctl", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev",
    "ptrace", "request_key",
    // mounts, roots and namespaces (for clone and clone3 see deny_server())
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
    "name_to_handle_at", "open_by_handle_at", "open_tree", "pivot_root", "quotactl", "quotactl_fd",
    "setns", "umount", "umount2", "unshare",
    // the machine
    "acct", "adjtimex", "clock_adjtime", "clock_settime", "setdomainname", "sethostname",
    "settimeofday", "stime", "swapoff", "swapon", "vhangup"};
constexpr uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                                 CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWCGROUP;

// ---- in the configuration's reader ----

class Filter {
 public:
  explicit Filter(uint32_t action) : action_(action), context_(::seccomp_init(SCMP_ACT_ALLOW)) {}
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  ~Filter() { ::seccomp_release(context_); }

  // False when there is no system call of that name.
  bool deny(const char* name) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return false;
    // Negative: only other architectures have it.
    if (number >= 0) add(::seccomp_rule_add(context_, action_, number, 0));
    return true;
  }

  void deny_server() {
    for (const char* name : kServer) deny(name);
    for (uint64_t one = 1; one <= kNamespaces; one <<= 1) {
      if ((kNamespaces & one) == 0) continue;
      deny_if(SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, one, one});
    }
    // Its flags are in memory, where no filter looks: without it the C library takes clone.
    add(::seccomp_rule_add(context_, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
  }

  void deny_all_but_unix_sockets() { deny_if(SCMP_SYS(socket), {0, SCMP_CMP_NE, AF_UNIX, 0}); }

  // The program's bytes; empty when it cannot be made.
  std::string compile() const {
    const int fd = context_ == nullptr || error_ != 0 ? -1 : ::memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0) return {};
    std::string program;
    if (::seccomp_export_bpf(context_, fd) == 0) {
      program.resize(static_cast<size_t>(::lseek(fd, 0, SEEK_END)));
      const ssize_t size = ::pread(fd, program.data(), program.size(), 0);
      if (size != static_cast<ssize_t>(program.size())) program.clear();
    }
    ::close(fd);
    return program;
  }

 private:
  void deny_if(int number, const scmp_arg_cmp& condition) {
    add(::seccomp_rule_add_array(context_, action_, number, 1, &condition));
  }
  // A rule that is there already is no failure.
  void add(int result) {
    if (result != 0 && result != -EEXIST) error_ = result;
  }
  const uint32_t action_;
  const scmp_filter_ctx context_;
  int error_ = 0;
};

uint32_t read_action(const dmpm_reader* dmpm) {
  constexpr char kExpected[] = "\"EPERM\" or \"kill\"";
  const dmpm_value* value = dmpm->member(dmpm->settings, "errno");
  const char* text = "EPERM";
  dmpm->string(value, kExpected, &text);
  if (std::strcmp(text, "kill") == 0) return SCMP_ACT_KILL_PROCESS;
  if (std::strcmp(text, "EPERM") != 0) dmpm->wrong(value, kExpected);
  return SCMP_ACT_ERRNO(EPERM);
}

void read_preset(const dmpm_reader* dmpm, const dmpm_value* value, Filter& filter) {
  constexpr char kExpected[] = "\"server\" or \"local\"";
  const char* text = nullptr;
  if (dmpm->string(value, kExpected, &text) == 0) return;
  const bool local = std::strcmp(text, "local") == 0;
  if (!local && std::strcmp(text, "server") != 0) return dmpm->wrong(value, kExpected);
  filter.deny_server();
  if (local) filter.deny_all_but_unix_sockets();
}

void read_denied(const dmpm_reader* dmpm, const dmpm_value* list, Filter& filter) {
  constexpr char kExpected[] = "the name of a system call";
  for (size_t i = 0; const dmpm_value* value = dmpm->element(list, i); ++i) {
    const char* name = nullptr;
    if (dmpm->string(value, kExpected, &name) == 0) continue;
    if (std::strcmp(name, "execve") == 0) {
      dmpm->error(value, "\"execve\" cannot be denied: it is what starts the worker");
    } else if (!filter.deny(name)) {
      dmpm->wrong(value, kExpected);
    }
  }
}

void read(const dmpm_reader* dmpm) {
  Filter filter(read_action(dmpm));
  const dmpm_value* preset = dmpm->member(dmpm->settings, "preset");
  const dmpm_value* denied = dmpm->member(dmpm->settings, "deny");
  if (preset == nullptr && denied == nullptr) {
    dmpm->error(dmpm->settings, "\"seccomp\" needs \"preset\" or \"deny\"");
  }
  read_preset(dmpm, preset, filter);
  read_denied(dmpm, denied, filter);
  const std::string program = filter.compile();
  if (program.empty()) dmpm->error(dmpm->settings, "libseccomp cannot make this filter");
  dmpm->emit(dmpm, program.data(), program.size());
}

// ---- in the worker ----

int apply(const dmpm_worker* worker) {
  std::string code(static_cast<const char*>(worker->settings), worker->settings_size);
  sock_fprog program{};
  program.len = static_cast<unsigned short>(code.size() / sizeof(sock_filter));
  program.filter = reinterpret_cast<sock_filter*>(code.data());
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
    return worker->fail(worker, "prctl PR_SET_SECCOMP", errno);
  }
  return 0;
}

}  // namespace

const dmpm_module dmpm_permission_module = {DMPM_PERMISSION_MODULE_ABI, DMPM_AFTER_IDS, read,
                                            apply};
