// dmpm-worker-start-modules: loads the modules by absolute paths that the master has checked. It
// is executed with an empty environment, so no LD_ variable has a say.
#include "master/worker_modules.h"

#include <dlfcn.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "master/permission_module.h"
#include "master/pid_namespace.h"
#include "master/worker_start_failure.h"

namespace dmpm::master {
namespace {

constexpr size_t kMaxReason = 1'000;

// By these nobody gets at what is another user's. Every other capability amounts to root, or
// reaches other customers' processes or traffic.
constexpr uint64_t kHarmless = uint64_t{1} << CAP_NET_BIND_SERVICE | uint64_t{1} << CAP_IPC_LOCK;

// What a module is given, and what it asked for.
struct Call : dmpm_worker {
  std::string reason;
  bool pid_namespace = false;
};

// Whatever const it came through, it is ours.
Call& call_of(const dmpm_worker* worker) {
  return *static_cast<Call*>(const_cast<dmpm_worker*>(worker));
}

int note_failure(const dmpm_worker* worker, const char* what, int error) {
  std::string reason = error == 0 ? std::string(what) : Error::from_errno(what, error).message;
  reason.resize(std::min(reason.size(), kMaxReason));
  call_of(worker).reason = std::move(reason);
  return -1;
}

void note_pid_namespace(const dmpm_worker* worker) {
  call_of(worker).pid_namespace = true;
}

Call call_for(const WorkerPlan& plan, const config::PermissionModule& module, uint32_t stage) {
  const config::Permissions& may = plan.permissions;
  Call call;
  static_cast<dmpm_worker&>(call) = {stage,
                                     plan.number,
                                     plan.ended > 0 ? plan.ended : ::getpid(),
                                     may.identity.uid,
                                     may.identity.gid,
                                     plan.group.c_str(),
                                     may.root.c_str(),
                                     module.settings.data(),
                                     module.settings.size(),
                                     note_failure,
                                     note_pid_namespace};
  return call;
}

const dmpm_module* load(const config::PermissionModule& module) {
  void* library = ::dlopen(module.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail(concat({"permission module ", module.name, ": ", ::dlerror()}));
  const auto* found = static_cast<dmpm_module*>(::dlsym(library, "dmpm_permission_module"));
  // It may have been replaced since the configuration was read.
  if (found == nullptr || found->abi != DMPM_PERMISSION_MODULE_ABI ||
      found->stages != module.stages) {
    fail(concat({"permission module ", module.name,
                 ": it is not the one that the configuration was read with; reload"}));
  }
  return found;
}

}  // namespace

WorkerModules::WorkerModules(const WorkerPlan& plan) : plan_(plan) {
  for (const config::PermissionModule& module : plan.permissions.modules) {
    modules_.push_back(load(module));
  }
}

bool WorkerModules::apply(uint32_t stage) {
  bool pid_namespace = false;
  std::string failures;
  for (size_t i = 0; i < modules_.size(); ++i) {
    const config::PermissionModule& module = plan_.permissions.modules[i];
    if ((module.stages & stage) == 0) continue;
    Call call = call_for(plan_, module, stage);
    if (modules_[i]->apply(&call) != 0) {
      const std::string_view why = "it failed and does not say why";
      failures += concat({failures.empty() ? "" : "; ", "permission module ", module.name, ": ",
                          call.reason.empty() ? why : std::string_view(call.reason)});
      if (stage != DMPM_ENDED) break;  // what one could not clear away is no reason for the others
    }
    pid_namespace = pid_namespace || (call.pid_namespace && stage == DMPM_BEFORE_ROOT);
  }
  if (!failures.empty()) fail(failures);
  if (pid_namespace) enter_pid_namespace(plan_);
  return pid_namespace;
}

// Reads rather than tries: a system call filter may kill for the attempt, and with neither an id
// nor a capability left the kernel has no way back.
void WorkerModules::prove_rights() const {
  const config::Identity& identity = plan_.permissions.identity;
  uid_t uids[3];
  gid_t gids[3];
  step(::getresuid(uids, uids + 1, uids + 2) == 0, "getresuid");
  step(::getresgid(gids, gids + 1, gids + 2) == 0, "getresgid");
  for (int i = 0; i < 3; ++i) {
    if (uids[i] != identity.uid || gids[i] != identity.gid) {
      fail("a permission module changed the ids");
    }
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  step(::syscall(SYS_capget, &header, data) == 0, "capget");
  const auto all = [&data](auto member) {
    return uint64_t{data[1].*member} << 32 | data[0].*member;
  };
  const uint64_t left = all(&__user_cap_data_struct::permitted) |
                        all(&__user_cap_data_struct::inheritable) |
                        all(&__user_cap_data_struct::effective);
  if ((left & ~kHarmless) != 0) {
    fail("a permission module left a capability by which root's rights can be had back");
  }
}

}  // namespace dmpm::master
