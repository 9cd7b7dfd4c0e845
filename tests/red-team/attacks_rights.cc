// More rights: ids, capabilities, namespaces, mounts, limits.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "tests/red-team/attack.h"

namespace dmpm::red_team {

namespace {

bool become_root(const Targets&) {
  return ::setuid(0) == 0;
}
bool become_root_again(const Targets&) {
  return ::setresuid(0, 0, 0) == 0;
}
bool take_root_group(const Targets&) {
  return ::setresgid(0, 0, 0) == 0;
}
bool take_groups(const Targets&) {
  const gid_t groups[] = {0, 4, 42};
  return ::setgroups(3, groups) == 0;
}
bool use_roots_files(const Targets&) {
  ::syscall(SYS_setfsuid, 0);
  return ::syscall(SYS_setfsuid, -1) == 0;
}
bool take_capabilities(const Targets&) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  data[0].effective = data[0].permitted = 1U << CAP_SETUID;
  return ::syscall(SYS_capset, &header, data) == 0;
}
bool raise_ambient(const Targets&) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  data[0].inheritable = data[0].permitted;
  if (::syscall(SYS_capset, &header, data) != 0) return false;
  return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0;
}
bool become_dumpable(const Targets&) {
  return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}
bool own_users(const Targets&) {
  return ::unshare(CLONE_NEWUSER) == 0;
}
bool own_mounts(const Targets&) {
  return ::unshare(CLONE_NEWNS) == 0;
}
bool own_network(const Targets&) {
  return ::unshare(CLONE_NEWNET) == 0;
}
bool enter_namespace(const Targets& targets) {
  const std::string path = "/proc/" + targets.at("master") + "/ns/net";
  const int fd = ::open(path.c_str(), O_RDONLY);
  return ::setns(fd, CLONE_NEWNET) == 0;
}
bool mount_something(const Targets&) {
  ::mkdir("/tmp/dmpm-red-team-mount", 0700);
  const bool mounted = ::mount("x", "/tmp/dmpm-red-team-mount", "tmpfs", 0, nullptr) == 0;
  if (mounted) ::umount2("/tmp/dmpm-red-team-mount", MNT_DETACH);
  const int error = errno;
  ::rmdir("/tmp/dmpm-red-team-mount");
  errno = error;
  return mounted;
}
bool unmount(const Targets&) {
  // Not a mount: who may unmount at all is told so.
  return ::umount2("/tmp", MNT_DETACH) == 0 || errno == EINVAL;
}
bool copy_tree(const Targets&) {
  return ::syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */) >= 0;
}
bool open_file_system(const Targets&) {
  return ::syscall(SYS_fsopen, "tmpfs", 0) >= 0;
}
bool change_root_mount(const Targets&) {
  // Valid as a call, impossible as a request.
  return ::syscall(SYS_pivot_root, "/", "/") == 0 || errno == EINVAL || errno == EBUSY;
}
bool allow_core(const Targets&) {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  return ::setrlimit(RLIMIT_CORE, &unlimited) == 0;
}
bool lock_memory(const Targets&) {
  static char page[4096];
  return ::syscall(SYS_mlock, page, sizeof page) == 0;
}
bool be_urgent(const Targets&) {
  return ::setpriority(PRIO_PROCESS, 0, -5) == 0;
}
bool be_real_time(const Targets&) {
  const sched_param parameters{1};
  return ::sched_setscheduler(0, SCHED_FIFO, &parameters) == 0;
}
bool lead_session(const Targets& targets) {
  return ::setpgid(0, ::getpgid(number(targets, "parent"))) == 0;
}

constexpr Attack kAttacks[] = {
    {"setuid(0)", become_root},
    {"setresuid(0)", become_root_again},
    {"setresgid(0)", take_root_group},
    {"setgroups", take_groups},
    {"setfsuid(0)", use_roots_files},
    {"take a capability", take_capabilities},
    {"make a capability ambient", raise_ambient},
    {"become dumpable", become_dumpable},
    {"make a user namespace", own_users},
    {"make a mount namespace", own_mounts},
    {"make a network namespace", own_network},
    {"enter another process's namespace", enter_namespace},
    {"mount", mount_something},
    {"unmount", unmount},
    {"copy a mount tree", copy_tree},
    {"make a file system", open_file_system},
    {"pivot_root", change_root_mount},
    {"allow core images", allow_core},
    {"lock memory", lock_memory},
    {"raise the own priority", be_urgent},
    {"become a real-time process", be_real_time},
    {"change the process group", lead_session},
};

}  // namespace

std::span<const Attack> attacks_on_rights() {
  return kAttacks;
}

}  // namespace dmpm::red_team
