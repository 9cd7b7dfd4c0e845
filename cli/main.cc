// dmpm: the program for operators. Finds the command, reads its options, calls it.
#include <array>
#include <cstdio>
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
    "Exit status: 0 done, 1 failed, 2 wrong arguments.\n";

struct Command {
  std::string_view name;
  std::string_view option;  // the only one, and required
  int (*call)(const Options&);
};
constexpr std::array kCommands{
    Command{"check", "--config", check},
    Command{"run", "--config", run},
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
  auto options = parse_options(arguments, {&command.option, 1});
  if (!options) return misused(options.error().message);
  if (!options->contains(command.option)) {
    return misused(std::string(command.name) + " needs " + std::string(command.option) + " FILE");
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
