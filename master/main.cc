// dmpm-master --config FILE: the root process, in the foreground. Everything that can be wrong is
// found here, before anything is started; then Master runs until it is told to stop.
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/channel.h"
#include "base/text.h"
#include "master/lockdown.h"
#include "master/master.h"

namespace dmpm::master {
namespace {

int fail(std::string_view message) {
  ::dprintf(STDERR_FILENO, "dmpm-master: %.*s\n", static_cast<int>(message.size()), message.data());
  return 1;
}

// Standard input and output are /dev/null from here on; so no socket gets their numbers.
Status use_dev_null() {
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  while (null && null.get() <= STDERR_FILENO) null.reset(::fcntl(null.get(), F_DUPFD_CLOEXEC, 3));
  if (!null || ::dup2(null.get(), STDIN_FILENO) < 0 || ::dup2(null.get(), STDOUT_FILENO) < 0) {
    return Error::from_errno("/dev/null", errno);
  }
  if (::fcntl(STDERR_FILENO, F_GETFD) < 0) ::dup2(null.get(), STDERR_FILENO);
  return {};
}

// Each worker costs two descriptors here. Workers get what the limit was before.
rlimit raise_open_files() {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit raised{before.rlim_max, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return before;
}

// The other programs lie beside this one.
Result<std::string> program_directory() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return Error::from_errno("readlink /proc/self/exe", errno);
  const std::string_view program(path, static_cast<size_t>(size));
  return std::string(program.substr(0, program.rfind('/')));
}

Status prepare_process() {
  ::umask(077);
  ::signal(SIGPIPE, SIG_IGN);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return Error::from_errno("prctl", errno);
  return lock_down_master();
}

Result<Prepared> prepare(config::Configuration configuration) {
  Prepared prepared{};
  if (const Status status = prepare_process(); !status.ok()) return status.error();
  prepared.worker_open_files = raise_open_files();
  auto programs = program_directory();
  if (!programs) return programs.error();
  auto directories = prepare_directories(configuration);
  if (!directories) return directories.error();
  auto listeners = bind_listeners(configuration.listen);
  if (!listeners) return listeners.error();
  auto pair = Channel::pair();
  if (!pair) return pair.error();
  prepared.configuration = std::move(configuration);
  prepared.directories = std::move(*directories);
  prepared.listeners = std::move(*listeners);
  prepared.logger_dispatchers = std::move(pair->ours);
  prepared.dispatcher_log = std::move(pair->theirs);
  prepared.programs = std::move(*programs);
  return prepared;
}

int run(const char* config_path) {
  if (const Status status = use_dev_null(); !status.ok()) return fail(status.error().message);
  if (::geteuid() != 0) return fail("must be started by root: it gives each worker its own user");
  config::Loader loader(config_path);
  config::LoadOutcome outcome = loader.load();
  for (const config::Problem& problem : outcome.problems) {
    ::dprintf(STDERR_FILENO, "%s\n", problem.to_string().c_str());
  }
  if (!outcome.configuration) return fail("the configuration is wrong: nothing was started");
  auto prepared = prepare(std::move(*outcome.configuration));
  if (!prepared) return fail(prepared.error().message);

  EventLoop loop;
  MasterLog log;
  for (const BoundListener& listener : prepared->listeners) {
    log.announce(concat({"listening on ", listener.description}));
  }
  Master master(loop, log, loader, std::move(*prepared));
  master.start();
  loop.run();
  return 0;
}

}  // namespace
}  // namespace dmpm::master

int main(int count, char** arguments) {
  if (count != 3 || std::string_view(arguments[1]) != "--config") {
    return dmpm::master::fail("usage: dmpm-master --config FILE");
  }
  return dmpm::master::run(arguments[2]);
}
