// dmpm-worker-adapter: makes a worker of a server that does not take its listening socket as
// descriptor 3. Runs with the customer's rights, all others having been given up before
// (master/worker_start.cc), and becomes the real server; only to a bridge it stays, beside it.
#include "worker-adapter/adapter.h"
#include "worker-adapter/bridge/bridge.h"

namespace dmpm::adapter {
namespace {

int fail(const Error& error) {
  tell(error);
  return 127;  // as a shell says that something could not be started
}

int run(const std::vector<std::string_view>& words) {
  const auto arguments = Arguments::parse(words);
  if (!arguments) return fail({"malformed arguments (worker-adapter/arguments.h)"});
  if (arguments->task() != "bridge") return fail(become_server(*arguments));
  auto status = run_bridge(*arguments);
  return status ? *status : fail(status.error());
}

}  // namespace
}  // namespace dmpm::adapter

int main(int count, char** arguments) {
  return dmpm::adapter::run({arguments, arguments + count});
}
