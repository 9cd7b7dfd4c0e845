// dmpm check: standard error has a line for each problem, standard output the summary when there is
// none.
#include <cstdio>

#include "cli/command.h"
#include "config/loader.h"

namespace dmpm::cli {

int check(const Options& options) {
  const std::string& file = *options.value("--config");
  const config::LoadOutcome outcome = config::Loader(file).load();
  for (const config::Problem& problem : outcome.problems) {
    std::fprintf(stderr, "%s\n", problem.to_string().c_str());
  }
  if (!outcome.problems.empty() || !outcome.configuration) return kFailed;
  size_t groups = 0, hosts = 0;
  for (const auto& section : outcome.configuration->sections) {
    groups += section->groups.size();
    hosts += section->virtual_hosts.size();
  }
  std::printf("%s: OK: %zu groups, %zu virtual hosts\n", file.c_str(), groups, hosts);
  return 0;
}

}  // namespace dmpm::cli
