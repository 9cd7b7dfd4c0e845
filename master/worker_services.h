// What groups and workers use of the rest of the master.
#pragma once

#include <sys/resource.h>

#include <string>
#include <string_view>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/log.h"
#include "master/children.h"
#include "master/counts.h"
#include "master/start_throttle.h"
#include "master/warm_workers.h"
#include "master/worker_cgroup.h"
#include "master/worker_log.h"

namespace dmpm::master {

// The way to the dispatchers, by their numbers.
class DispatcherLinks {
 public:
  // Ignored when that dispatcher is down.
  virtual void send(unsigned dispatcher, std::string_view notice) = 0;
  // How many there are meant to be; numbers are below it.
  virtual unsigned count() const = 0;

 protected:
  ~DispatcherLinks() = default;
};

class WorkersHandler {
 public:
  // The master stops, and the last worker's process has ended.
  virtual void on_workers_ended() = 0;

 protected:
  ~WorkersHandler() = default;
};

// Where workers' sockets and pipes are, and who may use them.
struct WorkerPlaces {
  std::string sockets;  // directory
  int pipes = -1;       // directory
  gid_t dispatcher = 0;
  gid_t logger = 0;
  std::string starter;                     // path of dmpm-worker-start
  rlimit open_files{};                     // RLIMIT_NOFILE for workers
  const WorkerCgroups* cgroups = nullptr;  // null: workers run without
  int privates = -1;                       // directory: PRIVATE of directories.h
  std::string private_path = {};
};

// Who wants to know why workers fail, besides the log.
class TroubleListener {
 public:
  virtual void trouble(std::string_view group, std::string_view reason) = 0;

 protected:
  ~TroubleListener() = default;
};

struct WorkerServices {
  EventLoop& loop;
  DeadlineWheel& wheel;
  Log& log;
  Children& children;
  StartThrottle& throttle;
  WarmWorkers& warm;
  WorkerLogReader& log_reader;
  DispatcherLinks& dispatchers;
  WorkersHandler& handler;
  const WorkerPlaces& places;
  Counts& counts;
  TroubleListener& troubles;
  SparePipe spare_pipe{places.pipes};
  uint32_t last_worker = 0;  // the number given last
  size_t processes = 0;      // workers' processes that have not been reaped
  bool closing = false;      // the master stops: nothing is started any more
};

}  // namespace dmpm::master
