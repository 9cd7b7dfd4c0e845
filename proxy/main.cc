// dmpm-dispatcher: started by the master with the descriptors of master/heritage.h and nothing else.
// Takes the welcome, gives up every privilege in one column of calls (lockdown.cc), and serves.
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <vector>

#include "base/service_start.h"
#include "base/socket.h"
#include "base/text.h"
#include "base/wire.h"
#include "master/heritage.h"
#include "master/protocol.h"
#include "proxy/dispatcher.h"
#include "proxy/lockdown.h"
#include "proxy/logger_sink.h"

#ifdef DMPM_SANITIZED
// The leak checker needs a thread and ptrace, which the lock-down takes away; the unit tests have it.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}
#endif

namespace dmpm {
namespace {

struct Welcome {
  uint32_t number = 0;
  lockdown::Place place;
  std::vector<uint32_t> listener_flags;
};

Result<Welcome> read_welcome() {
  const auto message =
      receive_welcome(heritage::kMasterChannel, static_cast<uint32_t>(protocol::Notice::welcome));
  if (!message.ok()) return message.error();
  WireReader reader(message.value());
  Welcome welcome;
  welcome.number = reader.u32();
  welcome.place.root = reader.string();
  welcome.place.uid = reader.u32();
  welcome.place.gid = reader.u32();
  for (uint32_t count = reader.u32(); count > 0 && reader.ok(); --count) {
    welcome.listener_flags.push_back(reader.u32());
  }
  if (!reader.complete()) return Error{"the master's welcome is malformed"};
  return welcome;
}

bool can_refuse_descriptors() {
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe && refuse_descriptors(probe.get());
}

// A signal that does nothing but end the wait of a close() that lingers: none is longer than this.
Status interrupt_waits() {
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};
  nothing.sa_flags = SA_RESTART;
  const itimerval often{{0, 20'000}, {0, 20'000}};  // microseconds
  if (::sigaction(SIGALRM, &nothing, nullptr) == 0 &&
      ::setitimer(ITIMER_REAL, &often, nullptr) == 0) {
    return {};
  }
  return Error::from_errno("the timer against long waits", errno);
}

// To the hard limit; returns that.
Result<size_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return Error::from_errno("getrlimit", errno);
  const Status status = lockdown::limit(RLIMIT_NOFILE, limit.rlim_max, "RLIMIT_NOFILE");
  if (!status.ok()) return status.error();
  return static_cast<size_t>(limit.rlim_max);
}

int run() {
  ignore_signals_of_others();
  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "error dispatcher: %s\n", error.message.c_str());
    return 1;
  };
  const auto welcome = read_welcome();
  if (!welcome.ok()) return fail(welcome.error());

  if (!can_refuse_descriptors()) {
    std::fputs(
        "warning dispatcher: this kernel is older than Linux 6.16: a customer's program can hold "
        "up all sites "
        "by descriptors that it sends along with answers (docs/security.md)\n",
        stderr);
    if (const Status status = interrupt_waits(); !status.ok()) return fail(status.error());
  }
  std::vector<Dispatcher::InheritedListener> listeners;
  for (const uint32_t flags : welcome.value().listener_flags) {
    const int fd = heritage::kDispatcherListeners + static_cast<int>(listeners.size());
    listeners.push_back({Fd(fd), flags});
  }
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    return fail(Error::from_errno("getrandom", errno));
  }
  auto segment = metrics::Mapping<Counts::Segment>::of(Fd(heritage::kDispatcherMetrics).get());
  if (!segment.ok()) return fail(segment.error());
  Counts counts(std::move(segment.value()));
  LoggerSink sink(Fd(heritage::kDispatcherLog), counts.own().log_lines_dropped);
  Log log(concat({"dispatcher", std::to_string(welcome.value().number)}), sink);
  const auto descriptors = raise_descriptor_limit();
  if (!descriptors.ok()) return fail(descriptors.error());
  EventLoop loop;
  Dispatcher dispatcher(loop, log, counts,
                        {Fd(heritage::kMasterChannel), Fd(heritage::kDispatcherExchanges),
                         Fd(heritage::kDispatcherKeyholder)},
                        seed, descriptors.value());
  // OpenSSL reads its own files, if any, before the root directory changes.
  Status status = dispatcher.prepare_tls();
  if (status.ok()) status = lock_down_dispatcher(welcome.value().place);
  if (!status.ok()) return fail(status.error());
  dispatcher.run(std::move(listeners));
  return 0;
}

}  // namespace
}  // namespace dmpm

int main() {
  return dmpm::run();
}
