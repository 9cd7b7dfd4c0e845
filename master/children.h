// Children: reaps every process whose parent the master is, and tells whoever started it.
//
// The master is a subreaper: what a worker leaves behind becomes the master's child. A process that
// was added leads a session and a process group of its own; when it dies, the rest of both is
// killed before its number can be given to anybody else.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <unordered_map>

#include "base/event_loop.h"

namespace dmpm::master {

class ChildHandler {
 public:
  // Called once, after the process was reaped. May add() a successor.
  virtual void on_child_ended(int wait_status) = 0;

 protected:
  ~ChildHandler() = default;
};

class Children final : public SignalHandler, public TimerHandler {
 public:
  explicit Children(EventLoop& loop) : signal_(loop, SIGCHLD, *this), more_(loop, *this) {}

  // To be called in the round in which the process was forked.
  void add(pid_t pid, ChildHandler& handler) { handlers_[pid] = &handler; }
  // The process is reaped all the same.
  void forget(pid_t pid) { handlers_.erase(pid); }
  // SIGKILL to the group of every process that was added.
  void kill_all() const;

 private:
  void on_signal(int) override { reap(); }
  void on_timer() override { reap(); }
  void reap();
  void kill_family(pid_t dead) const;

  std::unordered_map<pid_t, ChildHandler*> handlers_;
  SignalWatcher signal_;
  Timer more_;
};

// "exited with status 1", "was killed by SIGKILL".
std::string describe_ending(int wait_status);

}  // namespace dmpm::master
