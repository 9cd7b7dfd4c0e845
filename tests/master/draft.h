// A configuration that a test can change: its one section is not yet fixed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/configuration.h"

namespace dmpm::master::test {

struct Draft {
  config::Configuration settings;
  std::map<std::string, config::Group> groups;
  std::vector<config::VirtualHost> virtual_hosts;

  operator config::Configuration() const {
    config::Section section;
    for (const auto& [name, group] : groups) section.groups.push_back(group);
    section.virtual_hosts = virtual_hosts;
    config::Configuration whole = settings;
    whole.sections = {std::make_shared<const config::Section>(std::move(section))};
    return whole;
  }
};

}  // namespace dmpm::master::test
