// Upgrade: puts another version of the master in the place of this one: the same process, with the
// same sockets and children, and no request lost.
//
//   none ──begin()──▶ trying ──the new one takes the handover──▶ exec (the new version goes on)
//    ▲                   │ it does not, or not in time
//    └───on_upgrade_failed(): this version goes on
//
// What can fail is tried before: the new executable is started as a process of its own, reads the
// configuration and the handover as it will later, and says what it has against them. Only then exec.
#pragma once

#include <memory>
#include <string>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"
#include "master/children.h"
#include "master/handover.h"

namespace dmpm::master {

class UpgradeHandler {
 public:
  // What there is now; called twice.
  virtual Handover hand_over() = 0;
  // `reason` may have several lines.
  virtual void on_upgrade_failed(const std::string& reason) = 0;

 protected:
  ~UpgradeHandler() = default;
};

class Upgrade final : public ChildHandler, public IoHandler, public TimerHandler {
 public:
  // `program` is the path of dmpm-master.
  Upgrade(EventLoop& loop, Children& children, std::string program, std::string config_file,
          UpgradeHandler& handler);
  ~Upgrade();

  // Nothing while one is under way.
  void begin();
  bool trying() const { return pid_ > 0; }
  void cancel();

 private:
  Status start_trial();
  void on_readable() override;
  void on_writable() override {}
  void on_child_ended(int wait_status) override;
  void on_timer() override;
  Status exec() const;

  EventLoop& loop_;
  Children& children_;
  const std::string program_, config_file_;
  UpgradeHandler& handler_;
  Timer overdue_;
  Fd output_;
  std::unique_ptr<IoWatcher> watcher_;
  std::string said_;
  pid_t pid_ = -1;
};

}  // namespace dmpm::master
