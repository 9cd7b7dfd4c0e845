#include "master/worker_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "base/text.h"

namespace dmpm::master {

namespace {
constexpr char kSpare[] = ".spare";
}

SparePipe::~SparePipe() {
  ::unlinkat(pipes_, kSpare, 0);
}

void SparePipe::make() {
  ::mkfifoat(pipes_, kSpare, 0600);
}

bool SparePipe::take(const std::string& name) {
  return ::renameat2(pipes_, kSpare, pipes_, name.c_str(), RENAME_NOREPLACE) == 0;
}

Result<WorkerLog> WorkerLog::make(int pipes, SparePipe& spare, std::string name, uid_t worker,
                                  gid_t logger) {
  if (!spare.take(name) && ::mkfifoat(pipes, name.c_str(), 0600) != 0) {
    return Error::from_errno(concat({"cannot make the log pipe ", name}), errno);
  }
  Fd fd(::openat(pipes, name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  WorkerLog log(pipes, std::move(name), std::move(fd));
  if (!log.fd_ || ::fchown(log.fd(), worker, logger) != 0 || ::fchmod(log.fd(), 0240) != 0) {
    return Error::from_errno(concat({"cannot open the log pipe ", log.name_}), errno);
  }
  return log;
}

WorkerLog::~WorkerLog() {
  if (fd_) ::unlinkat(pipes_, name_.c_str(), 0);
}

}  // namespace dmpm::master
