// dmpm-worker-adapter's step in a worker's start: its code is in dmpm-worker-start as well
// (adapter_within.cc), which saves the execution of one more program. dmpm-worker-start-modules
// executes it (adapter_executed.cc): what modules confine, they may confine from exec on.
#pragma once

#include "master/worker_plan.h"

namespace dmpm::master {

// When every right has been given up. `program`: dmpm-worker-adapter's descriptor, closed here unless
// that is to be executed. `variables`: the worker's environment, ends with a null pointer. Becomes the
// plan's server, or fails (worker_start_failure.h). Returns when the adapter has to be executed.
void run_adapter_within(const WorkerPlan& plan, int program, char** variables);

}  // namespace dmpm::master
