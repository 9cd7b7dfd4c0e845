// dmpm-worker-start, which is the adapter too, but for bridges: those stay, and want a process that
// belongs to the customer in every respect.
#include <unistd.h>

#include "master/adapter_step.h"
#include "master/heritage.h"
#include "worker-adapter/adapter.h"

namespace dmpm::master {

void run_adapter_within(const WorkerPlan& plan, char** variables) {
  const auto arguments = adapter::Arguments::parse({plan.words.begin(), plan.words.end()});
  if (!arguments || arguments->task() == "bridge") return;
  ::close(heritage::kWorkerControl);  // as exec does: it has started
  ::environ = variables;
  ::_exit(adapter::tell(adapter::become_server(*arguments)));
}

}  // namespace dmpm::master
