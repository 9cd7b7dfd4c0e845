// The permission modules of the worker that dmpm-worker-start is about to be.
//
// Two programs are made of one source: dmpm-worker-start is static and has no modules
// (no_worker_modules.cc); dmpm-worker-start-modules loads them (worker_modules.cc), for groups that
// have some. All functions answer a failure on kWorkerControl and end the process.
#pragma once

#include <vector>

#include "master/permission_module.h"
#include "master/worker_plan.h"

namespace dmpm::master {

class WorkerModules {
 public:
  // Loads all of the plan's modules: while this is still root's process, so that nothing that a
  // customer can change is in the way.
  explicit WorkerModules(const WorkerPlan& plan);

  // Calls those that declare `stage` (DMPM_BEFORE_ROOT, ...). DMPM_BEFORE_ROOT may end in another
  // process, see pid_namespace.h; true when it did.
  bool apply(uint32_t stage);

  // After the last stage: dies unless the ids are the plan's and no capability is left by which
  // root's rights could be had back.
  void prove_rights() const;

 private:
  [[maybe_unused]] const WorkerPlan& plan_;  // not without modules
  // Not closed: the process ends or is replaced.
  std::vector<const dmpm_module*> modules_;  // in the order of plan_.permissions.modules
};

}  // namespace dmpm::master
