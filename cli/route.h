// Which virtual host a name leads to, as the dispatcher's router finds it (proxy/forward/router.h): an
// exact name, else the longest wildcard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/sites.h"

namespace dmpm::cli {

struct Match {
  const config::VirtualHost* host = nullptr;
  std::string_view name;  // as it is defined: "*.a.test"
};

// Everything that fits, the one that is used first. `host` as config::parse_host_name() makes it;
// refers to `sites`.
std::vector<Match> matches(const Sites& sites, std::string_view host);

// Whose certificate clients get that ask for none or for a name that is not served: the first one that
// has one. Null: none has.
const config::VirtualHost* fallback(const Sites& sites);

}  // namespace dmpm::cli
