// Master: owns everything that the process is made of, and what it does on signals.
//
//   starting ──dispatchers configured──▶ serving ──SIGTERM──▶ draining ──dispatchers gone──▶
//       stopping_workers ──workers gone──▶ stopping_logger ──logger gone──▶ stopped
//
// SIGHUP reloads, SIGUSR1 makes the logger reopen its files, a second SIGTERM or SIGINT ends at
// once.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "config/loader.h"
#include "master/children.h"
#include "master/directories.h"
#include "master/dispatchers.h"
#include "master/listeners.h"
#include "master/logger_link.h"
#include "master/master_log.h"
#include "master/routing_feed.h"
#include "master/start_throttle.h"
#include "master/worker_groups.h"
#include "master/worker_services.h"

namespace dmpm::master {

// What is made before anything is started, and can fail.
struct Prepared {
  config::Configuration configuration;
  Directories directories;
  std::vector<BoundListener> listeners;
  Fd dispatcher_log, logger_dispatchers;  // the two ends of one channel
  std::string programs;                   // the directory of dmpm-dispatcher and dmpm-logger
  rlimit worker_open_files;
};

class Master final : public SignalHandler,
                     public TimerHandler,
                     public DispatchersHandler,
                     public WorkersHandler,
                     public LoggerLinkHandler {
 public:
  Master(EventLoop& loop, MasterLog& log, config::Loader& loader, Prepared prepared);
  ~Master();

  // Starts the services; EventLoop::run() returns when everything has ended.
  void start();

 private:
  enum class Phase { starting, serving, draining, stopping_workers, stopping_logger, stopped };

  void on_signal(int number) override;
  void on_timer() override;
  void on_dispatchers_ready() override;
  void on_dispatchers_ended() override;
  void on_workers_ended() override;
  void on_logger_stopped() override;

  void reload();
  std::string apply(config::Configuration next);
  void drain();
  void stop_workers();
  void stop_logger();
  void stop();

  EventLoop& loop_;
  MasterLog& master_log_;
  Log& log_;
  config::Loader& loader_;
  Directories directories_;
  const WorkerPlaces places_;
  RoutingFeed feed_;
  DeadlineWheel wheel_;
  Children children_;
  StartThrottle throttle_;
  LoggerLink logger_;
  Dispatchers dispatchers_;
  WorkerServices services_;
  WorkerGroups groups_;
  Timer step_;  // the longest that the phase may last
  std::array<SignalWatcher, 4> signals_;
  Phase phase_ = Phase::starting;
};

}  // namespace dmpm::master
