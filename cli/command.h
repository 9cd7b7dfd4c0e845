// The commands of the program `dmpm`: one function and one file each, listed in main.cc.
#pragma once

#include "cli/arguments.h"

namespace dmpm::cli {

// Exit statuses, besides 0.
inline constexpr int kFailed = 1;
inline constexpr int kMisused = 2;  // the arguments are wrong; nothing was done

// Each returns the exit status. `options` has what its line in main.cc requires.

// Reads the configuration as the master would, and says what is wrong with it.
int check(const Options& options);
// Becomes the master. Returns only when that failed.
int run(const Options& options);

}  // namespace dmpm::cli
