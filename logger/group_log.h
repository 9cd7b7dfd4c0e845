// GroupLog: the log file of one group and the pipes of its workers.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/event_loop.h"
#include "base/result.h"
#include "logger/log_file.h"
#include "logger/rate_gate.h"
#include "logger/worker_pipe.h"

namespace dmpm {

class GroupLog {
 public:
  // `directory` is the log directory's descriptor and outlives this.
  GroupLog(EventLoop& loop, int directory, const std::string& group);

  // An id that is known already stands for the new pipe from now on. It may be there in spite of an
  // error: then it tries again.
  Status open_pipe(uint32_t id, const std::string& path);
  bool has_pipe(uint32_t id) const { return pipes_.contains(id); }
  void close_pipe(uint32_t id) { pipes_.erase(id); }
  bool unused() const { return pipes_.empty(); }
  void reopen() { file_.reopen(); }

 private:
  EventLoop& loop_;
  const int directory_;
  LogFile file_;
  RateGate gate_;                         // over all workers of the group
  std::map<uint32_t, WorkerPipe> pipes_;  // last, so first to go: they write what is left in them
};

}  // namespace dmpm
