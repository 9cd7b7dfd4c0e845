// WorkerPlan: all that dmpm-worker-start has to know to turn itself into a worker, as one message.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.h"

namespace dmpm::master {

struct WorkerPlan {
  config::Permissions permissions;  // the ids as numbers; names are not carried
  rlimit open_files{};              // RLIMIT_NOFILE, unless the permissions have one
  std::string directory;
  // Path of dmpm-worker-adapter, outside of the group's root, when that is to be executed.
  std::string adapter;
  std::vector<std::string> words;  // the command; [0] is what is executed, unless the adapter is
  std::vector<std::string> variables;  // NAME=VALUE
  bool listen_pid = false;             // add LISTEN_PID, which nobody knows before
  pid_t master = 0;
  // For permission modules.
  std::string group;    // its name
  uint32_t number = 0;  // the worker's
  pid_t ended = 0;      // else this plan is to clear away what this ended process has left
};

// The plan of worker `number` of `group`; `socket_path` is for "{socket}" in the command, `programs`
// is the directory of dmpm-worker-adapter.
WorkerPlan make_plan(const config::Group& group, uint32_t number, const std::string& socket_path,
                     const rlimit& open_files, std::string_view programs);

std::string encode(const WorkerPlan& plan);
// Nothing when it is malformed.
std::optional<WorkerPlan> decode_plan(std::string_view message);

}  // namespace dmpm::master
