// dmpm-worker-start, which loads nothing.
#include "master/worker_modules.h"
#include "master/worker_start_failure.h"

namespace dmpm::master {

WorkerModules::WorkerModules(const WorkerPlan& plan) : plan_(plan) {
  if (!plan.permissions.modules.empty()) fail("this program loads no permission modules");
}

bool WorkerModules::apply(uint32_t) {
  return false;
}

void WorkerModules::prove_rights() const {}  // become() has, and nothing happened since

}  // namespace dmpm::master
