// dmpm: the program for operators. Finds the command, reads its arguments, calls it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "base/text.h"
#include "cli/command.h"
#include "cli/text.h"

namespace dmpm::cli {
namespace {

constexpr Known kConfig{"--config", "FILE",
                        "the main configuration file; else /etc/dmpm/dmpm.json"};
constexpr Known kRunning{"--runtime-directory", "DIR", "of the dmpm that is meant; else /run/dmpm"};
constexpr Known kUsedConfig{"--config", "FILE",
                            "the main configuration file; else that of the dmpm that runs, else "
                            "/etc/dmpm/dmpm.json"};

constexpr std::array kCheckOptions{kConfig};
constexpr std::array kRunOptions{kConfig};
constexpr std::array kRunningOptions{kRunning};
constexpr std::array kStatusOptions{
    kRunning,
    Known{"--json", "", "everything, as one JSON object"},
    Known{"--watch", "", "a live screen; q ends it"},
    Known{"--workers", "", "a line for each worker, too"},
    Known{"--group", "PATTERN", "groups whose names match, as in \"shop-*\""},
    Known{"--state", "STATE", "groups that are asleep, awake, backing-off or leaving"},
    Known{"--sort", "KEY",
          "by name, state, workers, in-flight, queued, starts, failures, memory or cpu"}};
constexpr std::array kExplainOptions{kRunning, kUsedConfig};
constexpr std::array kAddSiteOptions{
    Known{"--user", "USER", "whom the site's server runs as (required)"},
    Known{"--document-root", "DIR", "what is served (required)"},
    Known{"--preset", "PRESET", "static, php, apache, node or python; else static"},
    Known{"--certificate", "FILE", "PEM, with its chain"},
    Known{"--key", "FILE", "its private key"},
    Known{"--group", "NAME", "the name of the group and of the file; else the first host name"},
    kRunning,
    kUsedConfig};

struct Command {
  std::string_view name;
  std::string_view words;  // what it takes besides options
  size_t least_words, most_words;
  std::string_view synopsis;  // the most usual options
  std::span<const Known> options;
  std::string_view required;  // one of the options, or empty
  std::string_view does;
  int (*call)(const Options&);
};

// In the order of the help.
constexpr std::array kCommands{
    Command{"check", "", 0, 0, "[--config FILE]", kCheckOptions, "",
            "says what is wrong with a configuration, and warns", check},
    Command{"run", "", 0, 0, "--config FILE", kRunOptions, "--config",
            "runs dmpm in the foreground", run},
    Command{"add-site", "NAME...", 1, 100, "--user USER ...", kAddSiteOptions, "",
            "writes the file of a new site", add_site},
    Command{"explain", "ERROR-ID|HOST", 1, 1, "", kExplainOptions, "",
            "says what happened to a request, or where a name leads", explain},
    Command{"reload", "", 0, 0, "", kRunningOptions, "",
            "reads the configuration again; says what changed or why nothing", reload},
    Command{"status", "", 0, 0, "[--watch|--json]", kStatusOptions, "",
            "shows processes, groups and what failed last", status},
    Command{"upgrade", "", 0, 0, "", kRunningOptions, "",
            "changes to the program files that are installed now", upgrade},
    Command{"stop", "", 0, 0, "", kRunningOptions, "",
            "finishes what is in flight and stops; waits for that", stop},
};

std::string joined(std::initializer_list<std::string_view> pieces) {
  std::string out;
  for (const std::string_view piece : pieces) {
    if (!out.empty() && !piece.empty()) out += ' ';
    out += piece;
  }
  return out;
}

std::string help() {
  std::string out = "dmpm: a privilege-separating HTTPS front end for shared hosting\n\n";
  const auto line = [&out](std::string left, std::string_view right) {
    left.resize(std::max<size_t>(left.size() + 1, 38), ' ');
    out += concat({"  ", left, " ", right, "\n"});
  };
  for (const Command& command : kCommands) {
    line(joined({"dmpm", command.name, command.words, command.synopsis}), command.does);
  }
  line("dmpm COMMAND --help", "prints what a command takes");
  line("dmpm --version", "prints the version");
  line("dmpm --help", "prints this text");
  return out + "\nExit status: 0 done, 1 failed, 2 wrong arguments.\n";
}

std::string help(const Command& command) {
  std::string out = concat({joined({"dmpm", command.name, command.words, command.synopsis}), ": ",
                            command.does, "\n\n"});
  for (const Known& option : command.options) {
    std::string left = joined({option.name, option.value});
    left.resize(std::max<size_t>(left.size() + 1, 24), ' ');
    out += concat({"  ", left, " ", option.help, "\n"});
  }
  return out;
}

int call(const Command& command, std::span<char* const> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--help") {
      std::fputs(help(command).c_str(), stdout);
      return 0;
    }
  }
  auto options = parse_options(arguments, command.options, command.most_words);
  if (!options) return misused(options.error().message);
  if (options->words().size() < command.least_words) {
    return misused(concat({command.name, " needs ", command.words}));
  }
  if (!command.required.empty() && !options->has(command.required)) {
    return misused(concat({command.name, " needs ", command.required, " FILE"}));
  }
  return command.call(*options);
}

int main(std::span<char* const> arguments) {
  if (arguments.size() < 2) return misused("expected a command");
  const std::string_view first = arguments[1];
  if (first == "--help" || first == "--version") {
    if (arguments.size() > 2) return misused(concat({first, " stands alone"}));
    std::fputs(first == "--help" ? help().c_str() : "dmpm " DMPM_VERSION "\n", stdout);
    return 0;
  }
  for (const Command& command : kCommands) {
    if (first == command.name) return call(command, arguments.subspan(2));
  }
  return misused(concat({first.starts_with('-') ? "unknown option \"" : "unknown command \"",
                         printable(first), "\""}));
}

}  // namespace
}  // namespace dmpm::cli

int main(int argc, char** argv) {
  return dmpm::cli::main({argv, static_cast<size_t>(argc)});
}
