// dmpm upgrade: the program files that lie in the master's directory now take the place of those that run,
// without a lost request. Waits until the new dispatchers serve.
#include "cli/command.h"
#include "cli/control.h"

namespace dmpm::cli {

int upgrade(const Options& options) {
  return converse(runtime_directory(options), {control_protocol::Command::upgrade, {}, false});
}

}  // namespace dmpm::cli
