// dmpm-worker-start, which is the adapter too, but for bridges: those stay, and want a process that
// belongs to the customer in every respect.
//
// What fails goes to the group's log, as the adapter's own failures do, and to the master.
#include <unistd.h>

#include "base/lockdown.h"
#include "master/adapter_step.h"
#include "master/worker_start_failure.h"
#include "worker-adapter/adapter.h"

namespace dmpm::master {

void run_adapter_within(const WorkerPlan& plan, int program, char** variables) {
  const auto arguments = adapter::Arguments::parse({plan.words.begin(), plan.words.end()});
  if (!arguments || arguments->task() == "bridge") return;
  ::close(program);
  // Until exec, whatever the machine's fs.suid_dumpable is.
  step(lockdown::not_dumpable());
  ::environ = variables;
  const Error error = adapter::become_server(*arguments);
  adapter::tell(error);
  fail(error.message);
}

}  // namespace dmpm::master
