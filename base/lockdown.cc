#include "base/lockdown.h"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace dmpm::lockdown {

Status all(std::initializer_list<Status> steps) {
  for (const Status& step : steps) {
    if (!step.ok()) return step;
  }
  return {};
}

Status enter_root(const std::string& directory) {
  if (::chdir(directory.c_str()) != 0) {
    return Error::from_errno(concat({"chdir to ", directory}), errno);
  }
  if (::chroot(".") != 0) return Error::from_errno(concat({"chroot to ", directory}), errno);
  if (::chdir("/") != 0) return Error::from_errno("chdir to the new root", errno);
  return {};
}

Status become(uid_t uid, gid_t gid, std::span<const gid_t> supplementary_groups) {
  if (::setgroups(supplementary_groups.size(), supplementary_groups.data()) != 0) {
    return Error::from_errno("setgroups", errno);
  }
  if (::setresgid(gid, gid, gid) != 0) {
    return Error::from_errno(concat({"setresgid ", std::to_string(gid)}), errno);
  }
  if (::setresuid(uid, uid, uid) != 0) {
    return Error::from_errno(concat({"setresuid ", std::to_string(uid)}), errno);
  }
  if (uid != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0)) {
    return Error{"user id 0 could be had back after it was given up"};
  }
  if (::getuid() != uid || ::geteuid() != uid || ::getgid() != gid || ::getegid() != gid) {
    return Error{"the ids did not stick"};
  }
  return {};
}

Status no_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Error::from_errno("prctl PR_SET_NO_NEW_PRIVS", errno);
  }
  return {};
}

Status not_dumpable() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return Error::from_errno("prctl PR_SET_DUMPABLE", errno);
  }
  return {};
}

Status limit(int resource, rlim_t value, const char* name) {
  const rlimit both{value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &both) != 0) {
    return Error::from_errno(concat({"setrlimit ", name}), errno);
  }
  return {};
}

}  // namespace dmpm::lockdown
