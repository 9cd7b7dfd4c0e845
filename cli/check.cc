// dmpm check: standard error has a line for each problem, or when there is none, for each warning;
// standard output then has the summary.
#include <cstdio>
#include <ctime>

#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration_file.h"
#include "cli/sites.h"
#include "cli/text.h"
#include "cli/warnings.h"
#include "config/loader.h"

namespace dmpm::cli {

int check(const Options& options) {
  const std::string file = options.value_or("--config", kConfigurationFile);
  const config::LoadOutcome outcome = config::Loader(file).load();
  for (const config::Problem& problem : outcome.problems) {
    std::fprintf(stderr, "%s\n", problem.to_string().c_str());
  }
  if (!outcome.problems.empty() || !outcome.configuration) return kFailed;
  const Sites sites(*outcome.configuration);
  Warnings warnings(*outcome.configuration, sites, std::time(nullptr));
  warnings.look_at_all();
  for (const config::Problem& warning : warnings.found()) {
    std::fprintf(stderr, "%s\n", printable(warning.to_string()).c_str());
  }
  const size_t number = warnings.found().size();
  std::printf("%s: OK: %zu groups, %zu virtual hosts%s\n", file.c_str(), sites.groups().size(),
              sites.hosts().size(),
              number == 0 ? "" : concat({", ", count(number, "warning")}).c_str());
  return 0;
}

}  // namespace dmpm::cli
