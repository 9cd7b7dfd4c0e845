// Handover: what a master leaves to the one that takes its place in the same process (upgrade.h).
//
// A plain record of what runs: descriptors by their numbers, which stay open across exec, and
// processes by theirs, which stay children. What can be had again (configuration, timers, limits of
// rate) is not in it. It lies in a memory file, in base/wire.h encoding; the format has a number, and
// a master that reads another one refuses.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace dmpm::master {

struct Handover {
  // To be raised with every change of a field here, of what one means, of master/protocol.h and of metrics/segment.h:
  // dispatchers of the version before are still there.
  static constexpr uint32_t kFormat = 3;

  struct Group {
    std::string name;
    uint32_t number = 0;
    uint64_t fingerprint = 0;  // of all that makes a worker what it is
  };
  struct Certificate {
    std::string certificate_path, key_path;
    std::string second_certificate_path, second_key_path;  // empty: there is none
    uint32_t number = 0;
  };
  struct Worker {
    std::string group, name;  // the name of its socket and pipe
    uint32_t group_number = 0, number = 0, state = 0;
    uint32_t pid = 0;  // 0: none
    uint64_t age = 0;  // ms
    int socket = -1, log = -1;
    uint64_t holders = 0, asked = 0;  // bits of dispatchers
  };
  struct Waiting {
    uint32_t group_number = 0;
    uint64_t dispatchers = 0;
  };
  struct Dispatcher {
    uint32_t number = 0, index = 0, draining = 0;
    uint32_t pid = 0;
    uint64_t age = 0;
    int channel = -1;
    uint32_t phase = 0, first = 0, sent = 0, confirmed = 0;
    std::vector<std::string> unsent;
  };
  struct Listener {
    std::string address;
    std::vector<int> sockets;
  };

  uint32_t format = kFormat;
  // What must be the same: see fixed_settings.h.
  std::string fixed_settings;
  uint32_t processes = 0;
  int lock = -1, control = -1, dispatcher_log = -1, logger_dispatchers = -1;
  int dispatcher_exchanges = -1, logger_exchanges = -1;
  uint64_t open_files_soft = 0, open_files_hard = 0;  // for workers
  std::vector<Listener> listeners;
  uint32_t last_group = 0, last_host = 0, last_certificate = 0, last_worker = 0;
  std::vector<Group> groups;
  std::vector<Certificate> certificates;
  std::vector<Worker> workers;
  std::vector<Waiting> waiting;
  std::vector<Dispatcher> dispatchers;
  struct KeyChannel {
    int keyholder = -1, dispatcher = -1;
  };
  std::vector<KeyChannel> key_channels;  // by the dispatcher's number
  uint32_t keyholder_pid = 0;
  uint64_t keyholder_age = 0;
  uint32_t logger_pid = 0;
  uint64_t logger_age = 0;
  int logger_channel = -1;
  int metrics_memory = -1;            // the master's segment
  std::vector<int> metrics_memories;  // the dispatchers', by number
  int metrics_socket = -1, metrics_port = -1;
  uint32_t metrics_pid = 0;
  uint64_t metrics_age = 0;
  std::vector<int> clients;  // of the control socket, who wait for the upgrade's end
};

std::string encode(const Handover& handover);
// Every descriptor in it.
std::vector<int> descriptors(const Handover& handover);
// An error when it is malformed or of another format. Nothing is done to the descriptors.
Result<Handover> decode_handover(std::string_view bytes);

// A memory file with `bytes`, open across exec, and what it has.
Result<Fd> to_memory_file(std::string_view bytes);
Result<std::string> from_memory_file(int fd);

}  // namespace dmpm::master
