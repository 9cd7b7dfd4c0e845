// The commands of the program `dmpm`: one function and one file each, listed in main.cc.
#pragma once

#include <string>
#include <string_view>

#include "cli/arguments.h"

namespace dmpm::cli {

// Exit statuses, besides 0.
inline constexpr int kFailed = 1;
inline constexpr int kMisused = 2;  // the arguments are wrong; nothing was done

// Each says why on standard error and returns the exit status.
int failed(std::string_view why);
int misused(std::string_view why);

// Each returns the exit status. `options` has what its line in main.cc requires.

// Writes the file of a new site.
int add_site(const Options& options);
// Reads the configuration as the master would, and says what is wrong with it.
int check(const Options& options);
// Says what happened to a request, or where requests for a name go.
int explain(const Options& options);
// Becomes the master. Returns only when that failed.
int run(const Options& options);

// These talk to the master that runs with runtime_directory().
int reload(const Options& options);
int status(const Options& options);
int stop(const Options& options);
int upgrade(const Options& options);

std::string runtime_directory(const Options& options);

}  // namespace dmpm::cli
