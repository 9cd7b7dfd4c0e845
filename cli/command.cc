#include "cli/command.h"

#include <cstdio>

#include "cli/text.h"

namespace dmpm::cli {

int failed(std::string_view why) {
  std::fprintf(stderr, "dmpm: %s\n", printable(why).c_str());
  return kFailed;
}

int misused(std::string_view why) {
  std::fprintf(stderr, "dmpm: %s\nTry \"dmpm --help\".\n", printable(why).c_str());
  return kMisused;
}

std::string runtime_directory(const Options& options) {
  return options.value_or("--runtime-directory", "/run/dmpm");
}

}  // namespace dmpm::cli
