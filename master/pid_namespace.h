// The worker in a pid namespace of its own, for a permission module that made one.
//
//   master ── keeper ──┬── init    pid 1: collects orphans, ends when the keeper has gone
//              (pid P) └── worker  pid 2: what is executed; its own session
//
// The keeper is the process that the master started and knows as the worker. It passes on signals,
// and ends as the worker ended: when all of the namespace has, so that nothing outlives a worker,
// however often it forked or changed its session. Keeper and init have given up every right, as the
// worker has, and hold nothing but a pipe between them.
#pragma once

#include "master/worker_plan.h"

namespace dmpm::master {

// After unshare(CLONE_NEWPID). Returns in the worker-to-be only.
void enter_pid_namespace(const WorkerPlan& plan);

}  // namespace dmpm::master
