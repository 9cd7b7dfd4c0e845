#include "metrics/lockdown.h"

#include <sys/socket.h>

#include "base/landlock.h"
#include "base/seccomp.h"
#include "base/service_start.h"
#include "metrics/limits.h"

namespace dmpm {

namespace {

using lockdown::is_null;
using lockdown::lacks;

// Who asks, and what they get. The memory is mapped already, to be read; nothing can be opened.
lockdown::CallTable metrics_calls() {
  return {
      {SCMP_SYS(accept4), "who asks"},
      {SCMP_SYS(recvfrom), "requests, the master's channel"},
      {SCMP_SYS(sendto), "answers", {lacks(3, MSG_FASTOPEN), is_null(4)}},
      {SCMP_SYS(shutdown), "the end of an answer"},
  };
}

}  // namespace

Status lock_down_metrics(const lockdown::Place& place) {
  return lockdown::all({
      lockdown::enter_root(place.root),
      lockdown::become(place.uid, place.gid, {}),
      lockdown::no_new_privileges(),
      lockdown::not_dumpable(),
      lockdown::limit(RLIMIT_NOFILE, metrics::limits::kMaxOpenFiles, "NOFILE"),
      lockdown::limit(RLIMIT_CORE, 0, "CORE"),
      lockdown::limit(RLIMIT_NPROC, 0, "NPROC"),
      lockdown::write_no_file(),
      lockdown::limit(RLIMIT_MEMLOCK, 0, "MEMLOCK"),
      lockdown::limit(RLIMIT_MSGQUEUE, 0, "MSGQUEUE"),
      lockdown::landlock_all_but({}),
      lockdown::only_calls({lockdown::process_calls(), metrics_calls()}),
  });
}

}  // namespace dmpm
