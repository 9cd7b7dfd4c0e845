// What the master says of itself, its services and its groups, and what this process finds out of
// their processes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
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
    uint64_t cpu_ms = 0;  // of the workers that have ended; add_usage() adds that of the others
    uint64_t memory = 0;  // bytes, by add_usage()
    uint64_t in_flight = 0, queued = 0;  // requests, by add_load()
    std::vector<Worker> workers;
  };
  uint32_t pid = 0;
  uint64_t age_ms = 0;
  std::string phase, configuration_file;
  std::vector<Service> services;
  std::vector<Group> groups;

  // False: an item of another version.
  bool add(control_protocol::Item item, WireReader& reader);
  // Null: there is none.
  const Group* group(std::string_view name) const;
};

// Of the master that runs with that directory; groups in no order.
Result<Status> ask_status(const std::string& runtime_directory);

// "asleep", "awake", "backing off", "leaving".
std::string_view to_string(control_protocol::GroupState state);

std::string to_json(const Status& status);

}  // namespace dmpm::cli
