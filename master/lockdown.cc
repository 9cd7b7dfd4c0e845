#include "master/lockdown.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/lockdown.h"

namespace dmpm::master {

namespace {

// What the master itself does.
constexpr std::array kOwn = {
    CAP_CHOWN,             // directories, sockets and pipes are their users'
    CAP_DAC_OVERRIDE,      // keys of any owner; pipes in the logger's directory
    CAP_FOWNER,            // the mode of the same
    CAP_KILL,              // workers
    CAP_NET_BIND_SERVICE,  // ports below 1024, also those that come with a reload
    CAP_SYS_RESOURCE,      // more open files than the limit that it was started with
    CAP_SETGID,
    CAP_SETUID,
    CAP_SYS_CHROOT,
    CAP_SETPCAP,  // nothing but to hand them on at fork
};

// What no child may ever have: they act on the machine, not on a site. (A child that is root has all
// others at its start and gives them up.)
constexpr std::array kNobodys = {
    CAP_SYS_MODULE,   CAP_SYS_RAWIO,          CAP_SYS_BOOT,       CAP_SYS_TIME,
    CAP_SYS_PTRACE,   CAP_SYS_PACCT,          CAP_SYS_TTY_CONFIG, CAP_LINUX_IMMUTABLE,
    CAP_MAC_OVERRIDE, CAP_MAC_ADMIN,          CAP_AUDIT_CONTROL,  CAP_AUDIT_READ,
    CAP_SYSLOG,       CAP_WAKE_ALARM,         CAP_BLOCK_SUSPEND,  CAP_PERFMON,
    CAP_BPF,          CAP_CHECKPOINT_RESTORE,
};

Status take_from_children() {
  for (const int capability : kNobodys) {
    // Not held, or not known to this kernel: as well.
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return Error::from_errno("prctl PR_CAPBSET_DROP", errno);
    }
  }
  return {};
}

// Of what it has: in a container root may have less.
Status keep_own() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return Error::from_errno("capget", errno);
  std::array<uint32_t, sets.size()> own{};
  for (const int capability : kOwn) {
    own[static_cast<size_t>(CAP_TO_INDEX(capability))] |= CAP_TO_MASK(capability);
  }
  for (size_t i = 0; i < sets.size(); ++i) {
    sets[i].permitted &= own[i];
    sets[i].effective = sets[i].permitted;
    sets[i].inheritable = 0;
  }
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return Error::from_errno("capset", errno);
  return {};
}

}  // namespace

Status lock_down_master() {
  return lockdown::all({
      lockdown::not_dumpable(),  // certificates' keys pass through
      take_from_children(),
      keep_own(),
  });
}

}  // namespace dmpm::master
