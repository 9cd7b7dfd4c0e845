#include "keyholder/lockdown.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/landlock.h"
#include "base/seccomp.h"
#include "base/service_start.h"

namespace dmpm {

namespace {

using lockdown::is_null;
using lockdown::lacks;

// It has its channels, and makes nothing else.
lockdown::CallTable keyholder_calls() {
  return {
      {SCMP_SYS(recvfrom), "requests and keys"},
      {SCMP_SYS(sendto), "answers", {lacks(3, MSG_FASTOPEN), is_null(4)}},
  };
}

// Private keys lie in OpenSSL's locked heap (main.cc) anyway. Where the limit can be lifted, as root
// usually may, no page of this process is ever written to a disk; they are locked as they are first
// used. Where it cannot, locking what is to come would make memory run out.
Status memory_stays_in_memory() {
#ifndef DMPM_SANITIZED  // its shadow is larger than any memory
  if (!lockdown::limit(RLIMIT_MEMLOCK, RLIM_INFINITY, "MEMLOCK").ok()) return {};
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    return Error::from_errno("mlockall", errno);
  }
#endif
  return {};
}

}  // namespace

Status lock_down_keyholder(const lockdown::Place& place) {
  return lockdown::all({
      memory_stays_in_memory(),
      lockdown::enter_root(place.root),
      lockdown::become(place.uid, place.gid, {}),
      lockdown::no_new_privileges(),
      lockdown::not_dumpable(),
      lockdown::limit(RLIMIT_CORE, 0, "CORE"),
      lockdown::limit(RLIMIT_NPROC, 0, "NPROC"),
      lockdown::write_no_file(),
      lockdown::limit(RLIMIT_MSGQUEUE, 0, "MSGQUEUE"),
      lockdown::landlock_all_but({}),
      lockdown::only_calls({lockdown::process_calls(), keyholder_calls()}),
  });
}

}  // namespace dmpm
