#include "master/worker_rights.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "base/lockdown.h"
#include "master/worker_start_failure.h"

namespace dmpm::master {

void become_user(const WorkerPlan& plan) {
  const config::Permissions& may = plan.permissions;
  step(lockdown::become(may.identity.uid, may.identity.gid, may.supplementary_groups));
  step(lockdown::no_new_privileges());
}

void end_with(pid_t master) {
  step(::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0, "prctl PR_SET_PDEATHSIG");
  if (::getppid() != master) fail("the master has gone");
}

}  // namespace dmpm::master
