// WorkerProcess: one process of a worker from its start to its end; used again for its successor.
//
//   none ──start()──▶ setting up ──exec succeeded: on_process_started()──▶ serving
//    ▲                    │                                                  │
//    │                    └──────────────────── reaped ──────────────────────┤
//    │                                                                       ▼
//    └── on_process_ended() ──── reaped, too ◀── clearing away (for permission modules that want it)
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/event_loop.h"
#include "master/children.h"
#include "master/worker_spawner.h"

namespace dmpm::master {

class WorkerProcessHandler {
 public:
  virtual void on_process_started() = 0;
  // What a permission module could not clear away after the process.
  virtual void on_left_behind(const std::string& reason) = 0;
  // Reaped, and its group killed. `setup_error`: the step that failed before exec, or empty. Called
  // last of all; may start() the next one.
  virtual void on_process_ended(int wait_status, const std::string& setup_error) = 0;

 protected:
  ~WorkerProcessHandler() = default;
};

class WorkerProcess final : public ChildHandler, public IoHandler {
 public:
  WorkerProcess(EventLoop& loop, Children& children, WorkerProcessHandler& handler)
      : loop_(loop), children_(children), handler_(handler) {}
  ~WorkerProcess();

  // Only when there is none.
  Status start(const WorkerLaunch& launch);
  // Instead of start(): one that the master before started.
  void take_over(pid_t pid, std::optional<CleanUp> clean_up);
  // To the whole process group; nothing when there is no process. What clears away after it only
  // ends by SIGKILL.
  void signal(int number) const;
  bool exists() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }

 private:
  // While the process is dmpm-worker-start.
  struct Setup {
    Setup(EventLoop& loop, Fd control, IoHandler& handler)
        : fd(std::move(control)), watcher(loop, fd.get(), handler) {
      watcher.watch_read(true);
    }
    Fd fd;
    IoWatcher watcher;
  };

  void on_readable() override;
  void on_writable() override {}
  void on_child_ended(int wait_status) override;
  bool read_error();
  bool clear_away(int wait_status);

  EventLoop& loop_;
  Children& children_;
  WorkerProcessHandler& handler_;
  std::unique_ptr<Setup> setup_;
  std::string setup_error_;
  std::optional<CleanUp> clean_up_;
  struct Ended {
    int wait_status;
    std::string setup_error;
  };
  std::optional<Ended> ended_;  // while pid_ is that of the process that clears away
  pid_t pid_ = -1;
};

}  // namespace dmpm::master
