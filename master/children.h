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
#include <unordered_set>

#include "base/event_loop.h"

namespace dmpm::master {

class ChildHandler {
 public:
  // Called once, after the process was reaped. May add() a successor.
  virtual void on_child_ended(int wait_status) = 0;

 protected:
  ~ChildHandler() = default;
};

class Children final : public SignalHandler {
 public:
  explicit Children(EventLoop& loop)
      : signal_(loop, SIGCHLD, *this), more_(*this, loop), sweep_(*this, loop) {}

  // To be called in the round in which the process was forked.
  void add(pid_t pid, ChildHandler& handler) { handlers_[pid] = &handler; }
  // The process is reaped all the same.
  void forget(pid_t pid) { handlers_.erase(pid); }
  // Reaps what has died already: its signal may have gone to the master before an upgrade.
  void catch_up() { more_.timer.set(Milliseconds(0)); }
  // SIGKILL to the group of every process that was added.
  void kill_all() const;

 private:
  void on_signal(int) override { reap(); }
  void reap();
  void note_family(pid_t dead);
  void sweep();

  // More of the dead wait than fit one round.
  struct More final : TimerHandler {
    More(Children& all, EventLoop& loop) : children(all), timer(loop, *this) {}
    void on_timer() override { children.reap(); }
    Children& children;
    Timer timer;
  };
  // Sessions whose leader has died wait to be killed.
  struct Sweep final : TimerHandler {
    Sweep(Children& all, EventLoop& loop) : children(all), timer(loop, *this) {}
    void on_timer() override { children.sweep(); }
    Children& children;
    Timer timer;
  };

  std::unordered_map<pid_t, ChildHandler*> handlers_;
  std::unordered_set<pid_t> dead_sessions_;
  SignalWatcher signal_;
  More more_;
  Sweep sweep_;
};

// "exited with status 1", "was killed by SIGKILL".
std::string describe_ending(int wait_status);

}  // namespace dmpm::master
