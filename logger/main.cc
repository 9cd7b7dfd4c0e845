// dmpm-logger: writes the log files. Started by the master as root with the descriptors of
// master/heritage.h; the column in lock_down() is what it gives up before it reads a foreign byte.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/event_loop.h"
#include "base/lockdown.h"
#include "base/log.h"
#include "base/text.h"
#include "base/wire.h"
#include "logger/limits.h"
#include "logger/logger.h"
#include "logger/protocol.h"
#include "master/heritage.h"

namespace dmpm {
namespace {

struct Welcome {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string directory;
};

// The end comes through the master's channel, so that what others say last is still written: a
// terminal's or a service manager's signal to all processes must not come first. A limit on file
// sizes is like a full disk.
void ignore_signals() {
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) {
    ::signal(number, SIG_IGN);
  }
}

Result<Welcome> receive_welcome(int channel) {
  pollfd readable{channel, POLLIN, 0};
  while (::poll(&readable, 1, -1) < 0 && errno == EINTR) {
  }
  std::array<char, 8192> bytes;
  const ssize_t size = ::recv(channel, bytes.data(), bytes.size(), 0);
  if (size <= 0) return Error{"no welcome from the master"};
  WireReader reader({bytes.data(), static_cast<size_t>(size)});
  const auto notice = static_cast<logger_protocol::LoggerNotice>(reader.u32());
  Welcome welcome{reader.u32(), reader.u32(), std::string(reader.string())};
  if (notice != logger_protocol::LoggerNotice::welcome || !reader.complete()) {
    return Error{"the first message of the master is not a welcome"};
  }
  return welcome;
}

rlim_t open_files() {
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  return std::min(now.rlim_max, logger_limits::kMaxOpenFiles);
}

Status lock_down(const Welcome& welcome) {
  Status status;
  const bool locked = (status = lockdown::enter_root(welcome.directory)).ok() &&
                      (status = lockdown::limit(RLIMIT_NOFILE, open_files(), "NOFILE")).ok() &&
                      (status = lockdown::limit(RLIMIT_CORE, 0, "CORE")).ok() &&
                      (status = lockdown::become(welcome.uid, welcome.gid, {})).ok() &&
                      (status = lockdown::limit(RLIMIT_NPROC, 0, "NPROC")).ok() &&
                      (status = lockdown::no_new_privileges()).ok() &&
                      (status = lockdown::not_dumpable()).ok();
  return locked ? Status() : status;
}

int run(Log& log) {
  Fd master(heritage::kMasterChannel);
  Fd dispatchers(heritage::kLoggerDispatchers);
  const auto fail = [&log](const Error& error) {
    log.error(error.message);
    return 1;
  };
  ignore_signals();
  ::umask(027);
  Result<Welcome> welcome = receive_welcome(master.get());
  if (!welcome.ok()) return fail(welcome.error());
  EventLoop loop;
  if (const Status status = lock_down(*welcome); !status.ok()) return fail(status.error());
  Fd directory(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail(Error::from_errno("open the log directory", errno));
  Logger logger(loop, std::move(master), std::move(dispatchers), std::move(directory));
  if (const Status status = logger.start(); !status.ok()) return fail(status.error());
  loop.run();
  return 0;
}

}  // namespace
}  // namespace dmpm

int main() {
  dmpm::DescriptorSink standard_error(dmpm::heritage::kStandardError);
  dmpm::Log log("logger", standard_error);
  // Not exit(): the leak checker of sanitized builds would want a process of its own, which the
  // lock-down forbids. Everything of ours has been destroyed by now.
  ::_exit(dmpm::run(log));
}
