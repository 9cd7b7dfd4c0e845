// The steps by which a process takes a worker's ids. Each says why it failed, and ends the process.
#pragma once

#include "master/worker_plan.h"

namespace dmpm::master {

// The plan's ids for ever: proves that id 0 cannot be had back, and that exec gives nothing more.
void become_user(const WorkerPlan& plan);

// To have an end when the master has one, even if it died just now. The kernel forgets this when
// the ids change, so it comes after.
void end_with(pid_t master);

}  // namespace dmpm::master
