#include "worker-adapter/adapter.h"

#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "worker-adapter/launch.h"
#include "worker-adapter/presets/preset.h"

namespace dmpm::adapter {
namespace {

Error run_preload(const Arguments& arguments) {
  const auto port = parse_decimal(arguments.value_or("port", "0"));
  if (!port || *port > 65535) return {"malformed port"};
  if (!arguments.command().empty() && is_linked_statically(arguments.command().front())) {
    return {concat(
        {arguments.command().front(),
         " is linked statically, so that nothing can be preloaded: \"bridge\" is for such"})};
  }
  const Status status = prepare_preload(arguments, static_cast<unsigned>(*port));
  return status.ok() ? execute(arguments.command()) : status.error();
}

}  // namespace

Error become_server(const Arguments& arguments) {
  if (arguments.task() == "preload") return run_preload(arguments);
  if (arguments.task() == "preset") return run_preset(arguments);
  return {"is started by dmpm with arguments of its own (worker-adapter/arguments.h)"};
}

void tell(const Error& error) {
  ::dprintf(STDERR_FILENO, "dmpm-worker-adapter: %s\n", error.message.c_str());
}

}  // namespace dmpm::adapter
