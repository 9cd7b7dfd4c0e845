#include "cli/sites.h"

namespace dmpm::cli {

Sites::Sites(const config::Configuration& configuration) {
  for (const auto& section : configuration.sections) {
    for (const config::VirtualHost& host : section->virtual_hosts) hosts_.push_back(&host);
    for (const config::Group& group : section->groups) {
      groups_.push_back(&group);
      by_name_.emplace(group.name, &group);
    }
  }
}

const config::Group* Sites::group(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace dmpm::cli
