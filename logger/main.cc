// dmpm-logger: writes the log files. Started by the master as root with the descriptors of
// master/heritage.h; lockdown.cc is what it gives up before it reads a foreign byte.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/event_loop.h"
#include "base/log.h"
#include "base/text.h"
#include "base/wire.h"
#include "logger/lockdown.h"
#include "logger/logger.h"
#include "logger/protocol.h"
#include "master/heritage.h"

namespace dmpm {
namespace {

// The end comes through the master's channel, so that what others say last is still written: a
// terminal's or a service manager's signal to all processes must not come first. A limit on file
// sizes is like a full disk.
void ignore_signals() {
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) {
    ::signal(number, SIG_IGN);
  }
}

Result<lockdown::Place> receive_welcome(int channel) {
  pollfd readable{channel, POLLIN, 0};
  while (::poll(&readable, 1, -1) < 0 && errno == EINTR) {
  }
  std::array<char, 8192> bytes;
  const ssize_t size = ::recv(channel, bytes.data(), bytes.size(), 0);
  if (size <= 0) return Error{"no welcome from the master"};
  WireReader reader({bytes.data(), static_cast<size_t>(size)});
  const auto notice = static_cast<logger_protocol::LoggerNotice>(reader.u32());
  lockdown::Place place;
  place.uid = reader.u32();
  place.gid = reader.u32();
  place.root = reader.string();
  if (notice != logger_protocol::LoggerNotice::welcome || !reader.complete()) {
    return Error{"the first message of the master is not a welcome"};
  }
  return place;
}

int run(Log& log) {
  Fd master(heritage::kMasterChannel);
  Fd dispatchers(heritage::kLoggerDispatchers);
  Fd exchanges(heritage::kLoggerExchanges);
  const auto fail = [&log](const Error& error) {
    log.error(error.message);
    return 1;
  };
  ignore_signals();
  ::umask(027);
  const Result<lockdown::Place> place = receive_welcome(master.get());
  if (!place.ok()) return fail(place.error());
  EventLoop loop;
  if (const Status status = lock_down_logger(place.value()); !status.ok())
    return fail(status.error());
  Fd directory(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail(Error::from_errno("open the log directory", errno));
  Logger logger(loop, std::move(master), std::move(dispatchers), std::move(exchanges),
                std::move(directory));
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
