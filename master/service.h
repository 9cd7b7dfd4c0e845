// Service: keeps one of dmpm's own programs running.
//
//   down ──start()──▶ up ──process ended──▶ down ──back-off──▶ up ...      until retire()
//
// The first restart is at once, further ones are delayed more and more until a process has lived
// for a while. Every end is logged with its reason.
#pragma once

#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"
#include "master/children.h"
#include "master/status_report.h"
#include "metrics/segment.h"

namespace dmpm::master {

// What a process of a service inherits besides standard input, output and error.
struct Inheritance {
  Fd channel;               // descriptor 3; closed in the master once the process has it
  std::vector<int> others;  // descriptors 4 and up; they stay the owner's
};

class ServiceHandler {
 public:
  // A process is about to start.
  virtual Result<Inheritance> on_service_starting() = 0;
  // It has been reaped. The next one follows by itself.
  virtual void on_service_ended() = 0;

 protected:
  ~ServiceHandler() = default;
};

class Service final : public ChildHandler, public TimerHandler {
 public:
  Service(EventLoop& loop, Children& children, Log& log, std::string name, std::string executable,
          ServiceHandler& handler, metrics::ServiceRow& counts);
  ~Service();

  void start();
  // Instead of start(): a process of the master before.
  void take_over(pid_t pid, Milliseconds age);
  // The next end is no trouble; the successor starts at once.
  void renew() { renewing_ = true; }
  bool renewing() const { return renewing_; }
  // SIGKILL; nothing when it is down. It is started again, unless retired.
  void kill();
  // The next end is expected: it is not logged as trouble and no process follows.
  void retire();
  pid_t pid() const { return pid_; }
  Milliseconds age() const { return up() ? loop_.now() - started_ : Milliseconds(0); }
  void describe(StatusReport& report) const;
  bool up() const { return pid_ > 0; }
  const std::string& name() const { return name_; }

 private:
  void on_child_ended(int wait_status) override;
  void on_timer() override { start(); }
  void restart_later(const std::string& reason);

  EventLoop& loop_;
  Children& children_;
  Log& log_;
  const std::string name_, executable_;
  ServiceHandler& handler_;
  metrics::ServiceRow& counts_;
  Timer restart_;
  pid_t pid_ = -1;
  Instant started_{};
  unsigned failures_ = 0;  // in a row
  uint32_t ends_ = 0;      // unasked, and why the last one
  std::string last_end_;
  bool retired_ = false;
  bool renewing_ = false;
};

}  // namespace dmpm::master
