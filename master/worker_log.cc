#include "master/worker_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/text.h"

namespace dmpm::master {

namespace {
constexpr char kSpare[] = ".spare";
}

// What is there already is from before an upgrade.
SparePipe::SparePipe(int pipes) : pipes_(pipes), there_(::faccessat(pipes, kSpare, F_OK, 0) == 0) {}

SparePipe::~SparePipe() {
  if (there_) ::unlinkat(pipes_, kSpare, 0);
}

void SparePipe::make() {
  there_ = there_ || ::mkfifoat(pipes_, kSpare, 0600) == 0 || errno == EEXIST;
}

bool SparePipe::take(const std::string& name) {
  return std::exchange(there_, false) &&
         ::renameat2(pipes_, kSpare, pipes_, name.c_str(), RENAME_NOREPLACE) == 0;
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
