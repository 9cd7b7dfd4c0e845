// dmpm-worker-adapter: makes a worker of a server that does not take its listening socket as
// descriptor 3. Runs with the customer's rights, all others having been given up before
// (master/worker_start.cc), and becomes the real server; only to a bridge it stays, beside it.
//
// What goes wrong goes to standard error, which is the group's log.
#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "worker-adapter/bridge/bridge.h"
#include "worker-adapter/launch.h"
#include "worker-adapter/presets/preset.h"

namespace dmpm::adapter {
namespace {

constexpr int kNotStarted = 127;  // as a shell says it

int fail(const Error& error) {
  ::dprintf(STDERR_FILENO, "dmpm-worker-adapter: %s\n", error.message.c_str());
  return kNotStarted;
}

int run_preload(const Arguments& arguments) {
  const auto port = parse_decimal(arguments.value_or("port", "0"));
  if (!port || *port > 65535) return fail({"malformed port"});
  if (!arguments.command().empty() && is_linked_statically(arguments.command().front())) {
    return fail({concat(
        {arguments.command().front(),
         " is linked statically, so that nothing can be preloaded: \"bridge\" is for such"})});
  }
  const Status status = prepare_preload(arguments, static_cast<unsigned>(*port));
  return fail(status.ok() ? execute(arguments.command()) : status.error());
}

int run(const std::vector<std::string_view>& words) {
  const auto arguments = Arguments::parse(words);
  if (arguments && arguments->task() == "preload") return run_preload(*arguments);
  if (arguments && arguments->task() == "preset") return fail(run_preset(*arguments));
  if (arguments && arguments->task() == "bridge") {
    auto status = run_bridge(*arguments);
    return status ? *status : fail(status.error());
  }
  return fail({"is started by dmpm with arguments of its own (worker-adapter/arguments.h)"});
}

}  // namespace
}  // namespace dmpm::adapter

int main(int count, char** arguments) {
  return dmpm::adapter::run({arguments, arguments + count});
}
