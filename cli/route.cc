#include "cli/route.h"

#include <algorithm>

namespace dmpm::cli {

std::vector<Match> matches(const Sites& sites, std::string_view host) {
  std::vector<Match> found;
  for (const config::VirtualHost* each : sites.hosts()) {
    for (const std::string& name : each->names) {
      const bool wildcard = name.starts_with("*.");
      // ".a.test" at the end, and something before it.
      const std::string_view end = std::string_view(name).substr(wildcard ? 1 : 0);
      const bool fits = wildcard ? host.size() > end.size() && host.ends_with(end) : host == name;
      if (fits) found.push_back({each, name});
    }
  }
  std::stable_sort(found.begin(), found.end(), [host](const Match& a, const Match& b) {
    if ((a.name == host) != (b.name == host)) return a.name == host;
    return a.name.size() > b.name.size();
  });
  return found;
}

const config::VirtualHost* fallback(const Sites& sites) {
  for (const config::VirtualHost* host : sites.hosts()) {
    if (host->tls) return host;
  }
  return nullptr;
}

}  // namespace dmpm::cli
