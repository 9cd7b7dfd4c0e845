#include "logger/lockdown.h"

#include <fcntl.h>

#include <algorithm>
#include <array>

#include "base/landlock.h"
#include "base/seccomp.h"
#include "logger/limits.h"
#include "logger/protocol.h"

namespace dmpm {

namespace {

using lockdown::has;

// Files are opened to read (the workers' pipes) or to append. With no call that truncates, removes,
// renames, seeks or changes a descriptor's flags, what was once written stays: also if the logger
// itself falls into wrong hands.
lockdown::CallTable logger_calls() {
  constexpr lockdown::ArgumentCheck kToRead{2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY};
  constexpr lockdown::ArgumentCheck kToAppend{2, O_ACCMODE | O_APPEND | O_TRUNC,
                                              O_WRONLY | O_APPEND};
  return {
      {SCMP_SYS(openat), "workers' pipes", {kToRead}},
      {SCMP_SYS(openat), "log files", {kToAppend}},
      {SCMP_SYS(mkdirat), "the directory of the workers' logs"},
      {SCMP_SYS(fstat), "is it a pipe"},
      {SCMP_SYS(newfstatat), "the same, as the C library asks", {has(3, AT_EMPTY_PATH)}},
      {SCMP_SYS(read), "workers' pipes"},
      {SCMP_SYS(write), "log files"},
      {SCMP_SYS(recvfrom), "the channels"},
  };
}

// Beneath the log directory, which is "/" by then: make and append, read pipes alone.
Status only_logs() {
  using namespace lockdown::files;
  const std::array<lockdown::Beneath, 2> places = {
      {{"/", kWrite | kMakeFile | kMakeDirectory}, {logger_protocol::kPipeDirectory, kRead}}};
  return lockdown::landlock_all_but(places);
}

rlim_t open_files() {
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  return std::min(now.rlim_max, logger_limits::kMaxOpenFiles);
}

}  // namespace

Status lock_down_logger(const lockdown::Place& place) {
  return lockdown::all({
      lockdown::enter_root(place.root),
      lockdown::limit(RLIMIT_NOFILE, open_files(), "NOFILE"),
      lockdown::become(place.uid, place.gid, {}),
      lockdown::no_new_privileges(),
      lockdown::not_dumpable(),
      lockdown::limit(RLIMIT_CORE, 0, "CORE"),
      lockdown::limit(RLIMIT_NPROC, 0, "NPROC"),
      lockdown::limit(RLIMIT_MEMLOCK, 0, "MEMLOCK"),
      lockdown::limit(RLIMIT_MSGQUEUE, 0, "MSGQUEUE"),
      only_logs(),
      lockdown::only_calls({lockdown::process_calls(), logger_calls()}),
  });
}

}  // namespace dmpm
