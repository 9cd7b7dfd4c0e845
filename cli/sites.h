// Sites: all groups and virtual hosts of a configuration, in order and by name.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/configuration.h"

namespace dmpm::cli {

class Sites {
 public:
  // Refers to `configuration`.
  explicit Sites(const config::Configuration& configuration);

  // The main file's first, then those of the site files.
  const std::vector<const config::VirtualHost*>& hosts() const { return hosts_; }
  const std::vector<const config::Group*>& groups() const { return groups_; }
  // Null: there is none of that name.
  const config::Group* group(std::string_view name) const;

 private:
  std::vector<const config::VirtualHost*> hosts_;
  std::vector<const config::Group*> groups_;
  std::unordered_map<std::string_view, const config::Group*> by_name_;
};

}  // namespace dmpm::cli
