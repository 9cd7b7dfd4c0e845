// dmpm-master --config FILE: the root process, in the foreground. Everything that can be wrong is
// found here, before anything is started; then Master runs until it is told to stop.
//
// With --take-over FD it comes in the place of a master that handed over (upgrade.h); with
// --try-handover FD it says whether it could.
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>

#include "base/channel.h"
#include "base/text.h"
#include "master/fixed_settings.h"
#include "master/limits.h"
#include "master/lockdown.h"
#include "master/master.h"
#include "master/passed_sockets.h"

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

struct Arguments {
  std::string config_file;
  int take_over = -1;        // a memory file with a Handover
  bool only_try_it = false;  // say what is wrong with it and leave it alone
};

// Sockets and pipes that nobody has yet.
Status make_channels(Prepared& prepared) {
  auto control = ControlServer::listen(prepared.configuration.runtime_directory);
  if (!control) return control.error();
  auto pair = Channel::pair();
  if (!pair) return pair.error();
  auto keys = make_key_channels();
  if (!keys) return keys.error();
  prepared.key_channels = std::move(*keys);
  auto memory = make_metrics_memory();
  if (!memory) return memory.error();
  prepared.metrics_memory = std::move(*memory);
  auto exchanges = Channel::pair();
  if (!exchanges) return exchanges.error();
  // The access log of a busy moment, until the logger gets its turn.
  ::setsockopt(exchanges->theirs.get(), SOL_SOCKET, SO_SNDBUF, &kAccessLogBuffer,
               sizeof kAccessLogBuffer);
  prepared.control = std::move(*control);
  prepared.logger_dispatchers = std::move(pair->ours);
  prepared.dispatcher_log = std::move(pair->theirs);
  prepared.logger_exchanges = std::move(exchanges->ours);
  prepared.dispatcher_exchanges = std::move(exchanges->theirs);
  return {};
}

// Those of the master before.
void take_channels(Prepared& prepared, const Handover& from) {
  for (size_t i = 0; i < from.key_channels.size() && i < prepared.key_channels.size(); ++i) {
    prepared.key_channels[i] = {Fd(from.key_channels[i].keyholder),
                                Fd(from.key_channels[i].dispatcher)};
  }
  prepared.metrics_memory.master = Fd(from.metrics_memory);
  for (size_t i = 0; i < from.metrics_memories.size() && i < kMaxDispatchers; ++i) {
    prepared.metrics_memory.dispatchers[i] = Fd(from.metrics_memories[i]);
  }
  prepared.control = Fd(from.control);
  prepared.logger_dispatchers = Fd(from.logger_dispatchers);
  prepared.dispatcher_log = Fd(from.dispatcher_log);
  prepared.logger_exchanges = Fd(from.logger_exchanges);
  prepared.dispatcher_exchanges = Fd(from.dispatcher_exchanges);
  prepared.worker_open_files = {from.open_files_soft, from.open_files_hard};
  for (const Handover::Listener& listener : from.listeners) {
    BoundListener& taken = prepared.taken_listeners.emplace_back();
    taken.address = listener.address;
    for (const int fd : listener.sockets) taken.sockets.push_back(std::make_shared<const Fd>(fd));
  }
}

// There is no way back for a master that takes over: without a socket it goes on without metrics.
Status prepare_metrics(Prepared& prepared, const Handover* from) {
  auto counts = metrics::Mapping<metrics::MasterSegment>::of(prepared.metrics_memory.master.get());
  if (!counts) return counts.error();
  prepared.counts = std::move(*counts);
  MetricsSockets before;
  if (from != nullptr) before = {Fd(from->metrics_socket), Fd(from->metrics_port)};
  auto sockets = bind_metrics_sockets(prepared.configuration, std::move(before));
  if (sockets.ok()) {
    prepared.metrics_sockets = std::move(*sockets);
  } else if (from == nullptr) {
    return sockets.error();
  } else {
    fail(sockets.error().message);
  }
  return {};
}

Result<Prepared> prepare(config::Configuration configuration, std::optional<Handover> handover) {
  Prepared prepared{};
  if (const Status status = prepare_process(); !status.ok()) return status.error();
  prepared.worker_open_files = raise_open_files();
  auto programs = program_directory();
  if (!programs) return programs.error();
  prepared.programs = std::move(*programs);
  auto directories = prepare_directories(configuration, handover ? Fd(handover->lock) : Fd());
  if (!directories) return directories.error();
  prepared.directories = std::move(*directories);
  prepared.configuration = std::move(configuration);
  if (handover) {
    for (const int fd : descriptors(*handover)) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    take_channels(prepared, *handover);
  } else if (const Status status = make_channels(prepared); !status.ok()) {
    return status.error();
  } else {
    prepared.taken_listeners = take_passed_sockets(prepared.configuration.listen);
  }
  const Handover* from = handover ? &*handover : nullptr;
  if (const Status status = prepare_metrics(prepared, from); !status.ok()) return status.error();
  const config::Configuration& settings = prepared.configuration;
  auto listeners =
      bind_listeners(settings.listen, settings.dispatcher.processes, prepared.taken_listeners);
  if (!listeners) return listeners.error();
  prepared.listeners = std::move(*listeners);
  prepared.handover = std::move(handover);
  return prepared;
}

// What the master before left, if it fits the configuration.
Result<Handover> read_handover(int fd, const config::Configuration& configuration) {
  const Fd file(fd);
  auto bytes = from_memory_file(file.get());
  if (!bytes) return bytes.error();
  auto handover = decode_handover(*bytes);
  if (!handover) return handover;
  if (handover->fixed_settings != fixed_settings(configuration)) {
    return Error{
        "the runtime directory, the log directory or a service's user is another one now: "
        "that cannot be changed while dmpm runs"};
  }
  // So that nothing has to be bound, which could fail, when there is no way back.
  const bool same_listeners = std::equal(
      configuration.listen.begin(), configuration.listen.end(), handover->listeners.begin(),
      handover->listeners.end(), [](const config::Listener& a, const Handover::Listener& b) {
        return a.address == b.address;
      });
  if (!same_listeners || configuration.dispatcher.processes != handover->processes) {
    return Error{"\"listen\" or \"processes\" is another one now: reload first"};
  }
  return handover;
}

int run(const Arguments& arguments) {
  if (const Status status = use_dev_null(); !status.ok()) return fail(status.error().message);
  if (::geteuid() != 0) return fail("must be started by root: it gives each worker its own user");
  config::Loader loader(arguments.config_file);
  config::LoadOutcome outcome = loader.load();
  for (const config::Problem& problem : outcome.problems) {
    ::dprintf(STDERR_FILENO, "%s\n", problem.to_string().c_str());
  }
  if (!outcome.configuration) return fail("the configuration is wrong: nothing was started");
  std::optional<Handover> handover;
  if (arguments.take_over >= 0) {
    auto read = read_handover(arguments.take_over, *outcome.configuration);
    if (!read) return fail(read.error().message);
    handover = std::move(*read);
  }
  if (arguments.only_try_it) {
    // Their versions in force are known to the running master only.
    return outcome.problems.empty() ? 0 : fail("files that are wrong now would be without effect");
  }
  auto prepared = prepare(std::move(*outcome.configuration), std::move(handover));
  if (!prepared) return fail(prepared.error().message);
  prepared->config_file = arguments.config_file;

  EventLoop loop;
  MasterLog log;
  Master master(loop, log, loader, std::move(*prepared));
  master.start();
  loop.run();
  return 0;
}

std::optional<Arguments> read_arguments(std::span<char* const> words) {
  Arguments arguments;
  if ((words.size() != 3 && words.size() != 5) || std::string_view(words[1]) != "--config") {
    return std::nullopt;
  }
  arguments.config_file = words[2];
  if (words.size() == 3) return arguments;
  const std::string_view option = words[3];
  const auto fd = parse_decimal(words[4]);
  if (!fd || *fd > INT_MAX || (option != "--take-over" && option != "--try-handover")) {
    return std::nullopt;
  }
  arguments.take_over = static_cast<int>(*fd);
  arguments.only_try_it = option == "--try-handover";
  return arguments;
}

}  // namespace
}  // namespace dmpm::master

int main(int count, char** words) {
  const auto arguments = dmpm::master::read_arguments({words, static_cast<size_t>(count)});
  if (!arguments) return dmpm::master::fail("usage: dmpm-master --config FILE");
  return dmpm::master::run(*arguments);
}
