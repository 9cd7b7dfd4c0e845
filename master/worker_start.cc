// dmpm-worker-start: the program between the master and a worker. Started by the master as root
// with the worker's descriptors in place and the plan on kWorkerControl, it gives every right away
// and executes the worker's command.
//
// A program of its own, because a fork of the master copies the page tables of all its memory (0.9
// ms until exec with 10,000 groups configured; this way 0.1 ms, whatever is configured), and
// because so no process with a customer's ids ever has the master's memory. Linked statically:
// nothing is loaded, so nothing in the environment or the file system gets in before the rights are
// gone. For groups with permission modules there is dmpm-worker-start-modules, made of the same
// source, which loads those and nothing else (worker_modules.h). That one also clears away what an
// ended worker has left (DMPM_ENDED).
//
// A group whose program needs it gets dmpm-worker-adapter, which executes the command in turn
// (adapter_step.h). As a program it is opened before the root directory changes and executed as that
// descriptor, so that it need not exist within the group's root.
//
// What goes wrong is answered on kWorkerControl, which closes when exec succeeds.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/lockdown.h"
#include "base/text.h"
#include "master/adapter_step.h"
#include "master/heritage.h"
#include "master/permission_module.h"
#include "master/worker_modules.h"
#include "master/worker_plan.h"
#include "master/worker_rights.h"
#include "master/worker_start_failure.h"

namespace dmpm::master {
namespace {

WorkerPlan receive_plan() {
  const ssize_t size = ::recv(heritage::kWorkerControl, nullptr, 0, MSG_PEEK | MSG_TRUNC);
  step(size > 0, "receiving the plan");
  std::string message(static_cast<size_t>(size), '\0');
  step(::recv(heritage::kWorkerControl, message.data(), message.size(), 0) == size, "the plan");
  auto plan = decode_plan(message);
  if (!plan) fail("malformed plan");
  return std::move(*plan);
}

// -1 when the plan has none.
int open_adapter(const WorkerPlan& plan) {
  if (plan.adapter.empty()) return -1;
  const int fd = ::open(plan.adapter.c_str(), O_PATH | O_CLOEXEC);
  step(fd >= 0, plan.adapter);
  return fd;
}

void give_up_rights(const WorkerPlan& plan, WorkerModules& modules) {
  const config::Permissions& may = plan.permissions;
  step(::setrlimit(RLIMIT_NOFILE, &plan.open_files) == 0, "setrlimit NOFILE");
  for (const config::ResourceLimit& limit : may.resource_limits) {
    step(lockdown::limit(limit.resource, limit.value, "of the group's limits"));
  }
  const bool has_keeper = modules.apply(DMPM_BEFORE_ROOT);
  if (may.root != "/") step(lockdown::enter_root(may.root));
  modules.apply(DMPM_BEFORE_IDS);
  ::umask(may.umask);
  become_user(plan);
  if (!has_keeper) end_with(plan.master);
  // With the user's own rights, so that no link in the way leads further than the user may go.
  step(::chdir(plan.directory.c_str()) == 0, concat({"chdir to ", plan.directory}));
  modules.apply(DMPM_AFTER_IDS);
  modules.prove_rights();
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  all.reserve(strings.size() + 1);
  for (std::string& string : strings) all.push_back(string.data());
  all.push_back(nullptr);
  return all;
}

[[noreturn]] void execute(WorkerPlan& plan, int adapter) {
  if (plan.listen_pid) {
    plan.variables.push_back(concat({"LISTEN_PID=", std::to_string(::getpid())}));
  }
  std::vector<char*> words = pointers(plan.words), variables = pointers(plan.variables);
  if (adapter >= 0) {
    run_adapter_within(plan, adapter, variables.data());
    ::execveat(adapter, "", words.data(), variables.data(), AT_EMPTY_PATH);
  } else {
    ::execve(words[0], words.data(), variables.data());
  }
  fail(Error::from_errno(concat({"exec ", plan.words[0]}), errno).message);
}

}  // namespace
}  // namespace dmpm::master

int main() {
  using namespace dmpm::master;
  step(::fcntl(dmpm::heritage::kWorkerControl, F_SETFD, FD_CLOEXEC) == 0, "fcntl");
  WorkerPlan plan = receive_plan();
  WorkerModules modules(plan);
  if (plan.ended != 0) {
    modules.apply(DMPM_ENDED);
    return 0;
  }
  const int adapter = open_adapter(plan);
  give_up_rights(plan, modules);
  execute(plan, adapter);
}
