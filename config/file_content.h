// FileContent: the groups and virtual hosts of one configuration file, and what reading them needs.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.h"
#include "config/json_document.h"
#include "config/permission_modules.h"
#include "config/problem_list.h"
#include "config/trusted_files.h"
#include "config/user_database.h"

namespace dmpm::config {

// Places within a virtual host that only a freshly read file has.
struct VirtualHostPlaces {
  Position group;
  std::vector<Position> names;
};

struct FileContent {
  Section section;
  std::vector<VirtualHostPlaces> places;  // of each virtual host
  // A group lists its supplementary groups by name, which is not kept.
  bool lists_supplementary_groups = false;
};

// What the main file says that every file is checked against.
struct Surroundings {
  std::string runtime_directory;
  Identity dispatcher, keyholder, logger;
  Identity metrics;  // no ids unless it is on
  std::string module_directory;

  struct Service {
    std::string_view name;
    const Identity& identity;
  };
  std::array<Service, 4> services() const {
    return {{{"dispatcher", dispatcher},
             {"keyholder", keyholder},
             {"logger", logger},
             {"metrics process", metrics}}};
  }
  bool operator==(const Surroundings&) const = default;
};

// What readers share during one load.
struct Tools {
  JsonParser parser;
  UserDatabase users;
  TrustedFiles files;
  PermissionModules modules{files};
};

// What the readers of one file share.
struct Reading {
  Tools& tools;
  const Surroundings& surroundings;
  FileContent& content;
  ProblemList& problems;
};

}  // namespace dmpm::config
