// dmpm stop: what is in flight is finished, then everything ends. Waits for the end.
#include "cli/command.h"
#include "cli/control.h"

namespace dmpm::cli {

int stop(const Options& options) {
  return converse(runtime_directory(options), {control_protocol::Command::stop, {}, true});
}

}  // namespace dmpm::cli
