// How a service begins (FOLDER/main.cc), up to its lock-down (FOLDER/lockdown.cc).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dmpm {

// SIGPIPE; and SIGINT, for a terminal's Ctrl-C goes to the whole foreground group, and the master alone
// decides about the end.
void ignore_signals_of_others();

// The master's first message, waited for, for without it there is nothing to do: what stands behind its
// number, which has to be `notice`.
Result<std::string> receive_welcome(int channel, uint32_t notice);

namespace lockdown {
// One step of a column: nothing can be written to a file (but a sanitizer's report).
Status write_no_file();
}  // namespace lockdown

}  // namespace dmpm
