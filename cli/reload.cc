// dmpm reload: the master reads its configuration again. Waits until every dispatcher has it in force.
#include "cli/command.h"
#include "cli/control.h"

namespace dmpm::cli {

int reload(const Options& options) {
  return converse(runtime_directory(options), {control_protocol::Command::reload, {}, false});
}

}  // namespace dmpm::cli
