#include "proxy/lockdown.h"

#include <sys/socket.h>

#include "base/landlock.h"
#include "base/seccomp.h"
#include "base/service_start.h"
#include "base/socket.h"

namespace dmpm {

namespace {

using lockdown::is;
using lockdown::is_null;
using lockdown::lacks;

// Clients and workers. Descriptors cannot be sent or received: that takes sendmsg and recvmsg. An
// accepted TCP connection cannot be made one to somewhere else: by connect() Landlock forbids it, by
// MSG_FASTOPEN the check of sendto's arguments.
lockdown::CallTable dispatcher_calls() {
  return {
      {SCMP_SYS(accept4), "clients"},
      {SCMP_SYS(recvfrom), "recv from clients, workers, the channels"},
      {SCMP_SYS(sendto), "send to the same", {lacks(3, MSG_FASTOPEN), is_null(4)}},
      {SCMP_SYS(writev), "to workers; last words"},
      {SCMP_SYS(shutdown), "the end of what is sent"},
      {SCMP_SYS(getsockname), "which address a client has come to"},
      {SCMP_SYS(socket),
       "to a worker",
       {is(0, AF_UNIX), is(1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK), is(2, 0)}},
      {SCMP_SYS(setsockopt),
       "no descriptors from a worker",
       {is(1, SOL_SOCKET), is(2, SO_PASSRIGHTS)}},
      {SCMP_SYS(connect), "to a worker: the root directory has no other's socket"},
  };
}

}  // namespace

Status lock_down_dispatcher(const lockdown::Place& place) {
  return lockdown::all({
      lockdown::enter_root(place.root),
      lockdown::become(place.uid, place.gid, {}),
      lockdown::no_new_privileges(),
      lockdown::not_dumpable(),
      lockdown::limit(RLIMIT_CORE, 0, "CORE"),
      lockdown::limit(RLIMIT_NPROC, 0, "NPROC"),
      lockdown::write_no_file(),
      lockdown::limit(RLIMIT_MEMLOCK, 0, "MEMLOCK"),
      lockdown::limit(RLIMIT_MSGQUEUE, 0, "MSGQUEUE"),
      lockdown::landlock_all_but({}),
      lockdown::only_calls({lockdown::process_calls(), dispatcher_calls()}),
  });
}

}  // namespace dmpm
