// dmpm-metrics: started by the master with the descriptors of master/heritage.h and nothing else.
// Takes the welcome, maps the memory of the counters to read it, gives up every privilege in one column
// of calls (lockdown.cc), and answers who asks.

#include <cstdio>
#include <vector>

#include "base/service_start.h"
#include "base/wire.h"
#include "master/heritage.h"
#include "metrics/lockdown.h"
#include "metrics/observer.h"
#include "metrics/protocol.h"

#ifdef DMPM_SANITIZED
// The leak checker needs a thread and ptrace, which the lock-down takes away; the unit tests have it.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}
#endif

namespace dmpm::metrics {
namespace {

struct Welcome {
  lockdown::Place place;
  uint32_t flags = 0;
  uint32_t dispatchers = 0;
  Users users;
};

Result<Welcome> read_welcome() {
  const auto message = receive_welcome(heritage::kMasterChannel,
                                       static_cast<uint32_t>(metrics_protocol::Notice::welcome));
  if (!message.ok()) return message.error();
  WireReader reader(message.value());
  Welcome welcome;
  welcome.place.root = reader.string();
  welcome.place.uid = reader.u32();
  welcome.place.gid = reader.u32();
  welcome.flags = reader.u32();
  welcome.dispatchers = reader.u32();
  welcome.users.dispatchers = reader.string();
  welcome.users.keyholder = reader.string();
  welcome.users.logger = reader.string();
  welcome.users.metrics = reader.string();
  if (!reader.complete() || welcome.dispatchers > kMostDispatchers) {
    return Error{"the master's welcome is malformed"};
  }
  return welcome;
}

// The descriptors are not needed any more then.
Result<Segments> map_segments(uint32_t dispatchers) {
  auto master = Segments::Master::of(Fd(heritage::kMetricsMaster).get());
  if (!master.ok()) return master.error();
  std::vector<Segments::Dispatcher> all;
  for (uint32_t number = 0; number < dispatchers; ++number) {
    const Fd fd(heritage::kMetricsDispatchers + static_cast<int>(number));
    auto dispatcher = Segments::Dispatcher::of(fd.get());
    if (!dispatcher.ok()) return dispatcher.error();
    all.push_back(std::move(dispatcher.value()));
  }
  return Segments(std::move(master.value()), std::move(all));
}

int run() {
  ignore_signals_of_others();
  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "error metrics: %s\n", error.message.c_str());
    return 1;
  };
  const auto welcome = read_welcome();
  if (!welcome.ok()) return fail(welcome.error());
  auto segments = map_segments(welcome.value().dispatchers);
  if (!segments.ok()) return fail(segments.error());
  Fd local(heritage::kMetricsSocket), port(heritage::kMetricsPort);
  EventLoop loop;
  const Status status = lock_down_metrics(welcome.value().place);
  if (!status.ok()) return fail(status.error());
  Observer observer(loop, Fd(heritage::kMasterChannel), std::move(segments.value()),
                    welcome.value().users,
                    (welcome.value().flags & metrics_protocol::kStatusPage) != 0);
  observer.listen(std::move(local), false);
  if ((welcome.value().flags & metrics_protocol::kHasPort) != 0) {
    observer.listen(std::move(port), true);
  }
  loop.run();
  return 0;
}

}  // namespace
}  // namespace dmpm::metrics

int main() {
  return dmpm::metrics::run();
}
