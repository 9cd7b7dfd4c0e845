// dmpm-worker-start-modules.
#include "master/adapter_step.h"

namespace dmpm::master {

void run_adapter_within(const WorkerPlan&, int, char**) {}

}  // namespace dmpm::master
