// The calls with which a process gives up what it does not need. Each process has its own column of
// them, in order (FOLDER/lockdown.cc); each call proves that it worked or returns why it did not.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <initializer_list>
#include <span>
#include <string>

#include "base/result.h"

namespace dmpm::lockdown {

// Who a service is and what it sees once it is locked down.
struct Place {
  std::string root;
  uid_t uid = 0;
  gid_t gid = 0;
};

// A column: all({first(), second(), ...}). The steps are made in this order, whether or not one
// failed; returns the first failure, with which the process has to end.
Status all(std::initializer_list<Status> steps);

// Makes `directory` the root and the working directory. Needs CAP_SYS_CHROOT.
Status enter_root(const std::string& directory);
// Real, effective and saved ids and the supplementary groups. Afterwards proves that id 0 cannot be
// had back (unless uid is 0 itself).
Status become(uid_t uid, gid_t gid, std::span<const gid_t> supplementary_groups);
// No set-user-id program or file capability gives anything more, in this process or its children.
Status no_new_privileges();
// No core image, no ptrace by others of the same user, /proc/self owned by root.
Status not_dumpable();
// Soft and hard limit of one resource (RLIMIT_*).
Status limit(int resource, rlim_t value, const char* name);

}  // namespace dmpm::lockdown
