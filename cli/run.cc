// dmpm run: in the foreground and with the same process id, so that whoever started it (a terminal,
// systemd) has the master itself.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/command.h"

namespace dmpm::cli {

int run(const Options& options) {
  // The master of the same build, wherever that lies.
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    std::fprintf(stderr, "dmpm: /proc/self/exe: %s\n", error.message().c_str());
    return kFailed;
  }
  const std::string master = self.parent_path() / "dmpm-master";
  const std::string& file = *options.value("--config");
  ::execl(master.c_str(), "dmpm-master", "--config", file.c_str(), static_cast<char*>(nullptr));
  std::fprintf(stderr, "dmpm: %s cannot be started: %s\n", master.c_str(), std::strerror(errno));
  return kFailed;
}

}  // namespace dmpm::cli
