// selinux: the security context in which the worker is executed.
//
//   "selinux": { "context": "system_u:system_r:httpd_sys_script_t:s0" }
//
// What setexeccon(3) does, without libselinux: one write into the kernel's file. Before the ids
// change, since a later module may have closed /proc by then; the group's root directory has to
// have /proc. The policy must allow the transition from dmpm's context.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "master/permission_module.h"

namespace {

constexpr char kFile[] = "/proc/thread-self/attr/exec";
constexpr char kExpected[] = "a context USER:ROLE:TYPE or USER:ROLE:TYPE:RANGE";
constexpr size_t kMostBytes = 4095;  // a page, as the kernel takes it

bool is_context(const char* text) {
  int parts = 1;
  size_t size = 0;  // of the part
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c <= ' ' || *c > '~') return false;
    if (*c == ':' && parts < 4) {  // a range has its own
      if (size == 0) return false;
      ++parts;
      size = 0;
    } else {
      ++size;
    }
  }
  return size > 0 && parts >= 3 && std::strlen(text) <= kMostBytes;
}

void read(const dmpm_reader* dmpm) {
  const dmpm_value* value = dmpm->member(dmpm->settings, "context");
  const char* context = nullptr;
  if (value == nullptr) dmpm->error(dmpm->settings, "\"selinux\" needs a \"context\"");
  if (dmpm->string(value, kExpected, &context) == 0) return;
  if (!is_context(context)) return dmpm->wrong(value, kExpected);
  dmpm->emit(dmpm, context, std::strlen(context));
}

int apply(const dmpm_worker* worker) {
  const int fd = ::open(kFile, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return worker->fail(worker, kFile, errno);
  const ssize_t size = ::write(fd, worker->settings, worker->settings_size);
  const int error = errno;
  ::close(fd);
  if (size == static_cast<ssize_t>(worker->settings_size)) return 0;
  if (error == EINVAL) {
    return worker->fail(worker, "SELinux is not in force here, or its policy knows no such context",
                        0);
  }
  return worker->fail(worker, kFile, error);
}

}  // namespace

const dmpm_module dmpm_permission_module = {DMPM_PERMISSION_MODULE_ABI, DMPM_BEFORE_IDS, read,
                                            apply};
