// What `dmpm status` was told, and its two ways to say it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/wire.h"
#include "master/control_protocol.h"

namespace dmpm::cli {

struct Status {
  struct Service {
    std::string name;
    uint32_t pid = 0;
    uint64_t age_ms = 0;
    uint32_t failures = 0;
    std::string last_failure;
  };
  struct Worker {
    uint32_t number = 0, pid = 0;
    uint64_t age_ms = 0;
    std::string state;
  };
  struct Group {
    std::string name;
    control_protocol::GroupState state{};
    uint64_t starts = 0, failures = 0;
    std::string last_failure;
    uint64_t retry_ms = 0;
    std::vector<Worker> workers;
  };
  uint32_t pid = 0;
  uint64_t age_ms = 0;
  std::string phase, configuration_file;
  std::vector<Service> services;
  std::vector<Group> groups;

  void add(control_protocol::Item item, WireReader& reader);
};

std::string to_text(const Status& status);
std::string to_json(const Status& status);

}  // namespace dmpm::cli
