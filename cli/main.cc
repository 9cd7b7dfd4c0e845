// dmpm: the program for operators. Finds the command, reads its options, calls it.
#include <array>
#include <cstdio>
#include <span>
#include <string_view>

#include "cli/command.h"

namespace dmpm::cli {
namespace {

constexpr char kHelp[] =
    "dmpm: a privilege-separating HTTPS front end for shared hosting\n"
    "\n"
    "  dmpm check --config FILE   says what is wrong with a configuration; exit status 0 if "
    "nothing\n"
    "  dmpm run --config FILE     runs dmpm in the foreground\n"
    "  dmpm --version             prints the version\n"
    "  dmpm --help                prints this text\n"
    "\n"
    "Of the dmpm that runs (by root; each takes --runtime-directory DIR, else /run/dmpm):\n"
    "  dmpm reload                reads the configuration again; says what changed or why nothing\n"
    "  dmpm status [--json]       shows processes, groups and what failed last\n"
    "  dmpm upgrade               changes to the program files that are installed now\n"
    "  dmpm stop                  finishes what is in flight and stops; waits for that\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong arguments.\n";

constexpr std::array kConfig{Known{"--config"}};
constexpr std::array kRunning{Known{"--runtime-directory"}};
constexpr std::array kStatus{Known{"--runtime-directory"}, Known{"--json", true}};

struct Command {
  std::string_view name;
  std::span<const Known> options;
  std::string_view required;
  int (*call)(const Options&);
};
constexpr std::array kCommands{
    Command{"check", kConfig, "--config", check}, Command{"run", kConfig, "--config", run},
    Command{"reload", kRunning, "", reload},      Command{"status", kStatus, "", status},
    Command{"upgrade", kRunning, "", upgrade},    Command{"stop", kRunning, "", stop},
};

int misused(std::string_view message) {
  std::fprintf(stderr, "dmpm: %.*s\nTry \"dmpm --help\".\n", static_cast<int>(message.size()),
               message.data());
  return kMisused;
}

int call(const Command& command, std::span<char* const> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--help") {
      std::fputs(kHelp, stdout);
      return 0;
    }
  }
  auto options = parse_options(arguments, command.options);
  if (!options) return misused(options.error().message);
  if (!command.required.empty() && !options->contains(command.required)) {
    return misused(std::string(command.name) + " needs " + std::string(command.required) + " FILE");
  }
  return command.call(*options);
}

int main(std::span<char* const> arguments) {
  if (arguments.size() < 2) return misused("expected a command");
  const std::string_view first = arguments[1];
  if (first == "--help" || first == "--version") {
    if (arguments.size() > 2) return misused(std::string(first) + " stands alone");
    std::fputs(first == "--help" ? kHelp : "dmpm " DMPM_VERSION "\n", stdout);
    return 0;
  }
  for (const Command& command : kCommands) {
    if (first == command.name) return call(command, arguments.subspan(2));
  }
  return misused((first.starts_with('-') ? "unknown option \"" : "unknown command \"") +
                 std::string(first) + "\"");
}

}  // namespace
}  // namespace dmpm::cli

int main(int argc, char** argv) {
  return dmpm::cli::main({argv, static_cast<size_t>(argc)});
}
