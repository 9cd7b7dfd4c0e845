// Master: owns everything that the process is made of, and what it does on signals and commands.
//
//   starting ──dispatchers configured──▶ serving ──SIGTERM──▶ draining ──dispatchers gone──▶
//       stopping_workers ──workers gone──▶ stopping_logger ──logger gone──▶ stopped
//
// Another "listen" or number of dispatchers in a reload starts a new generation of dispatchers. A
// master that takes over from one before (upgrade.h) is starting until its own dispatchers serve;
// those that it found serve meanwhile.
//
// SIGHUP reloads, SIGUSR1 makes the logger reopen its files, SIGUSR2 upgrades, a second SIGTERM or
// SIGINT ends at once.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "config/loader.h"
#include "master/children.h"
#include "master/control_server.h"
#include "master/counts.h"
#include "master/directories.h"
#include "master/dispatchers.h"
#include "master/handover.h"
#include "master/keyholder_link.h"
#include "master/listeners.h"
#include "master/logger_link.h"
#include "master/master_log.h"
#include "master/metrics_link.h"
#include "master/routing_feed.h"
#include "master/service_manager.h"
#include "master/start_throttle.h"
#include "master/upgrade.h"
#include "master/warm_workers.h"
#include "master/worker_groups.h"
#include "master/worker_services.h"

namespace dmpm::master {

// What is made before anything is started, and can fail.
struct Prepared {
  std::string config_file;
  config::Configuration configuration;
  Directories directories;
  std::vector<BoundListener> taken_listeners;  // from systemd or the master before
  std::vector<BoundListener> listeners;        // as configured
  Fd control;
  Fd dispatcher_log, logger_dispatchers;      // the two ends of one channel
  Fd dispatcher_exchanges, logger_exchanges;  // of another
  KeyChannels key_channels;
  MetricsMemory metrics_memory;
  metrics::Mapping<metrics::MasterSegment> counts;  // of that, the master's
  MetricsSockets metrics_sockets;
  std::string programs;  // the directory of dmpm-dispatcher and dmpm-logger
  rlimit worker_open_files;
  std::optional<Handover> handover;  // of the master before
};

class Master final : public SignalHandler,
                     public TimerHandler,
                     public DispatchersHandler,
                     public WorkersHandler,
                     public LoggerLinkHandler,
                     public ControlHandler,
                     public UpgradeHandler {
 public:
  Master(EventLoop& loop, MasterLog& log, config::Loader& loader, Prepared prepared);
  ~Master();

  // Starts the services; EventLoop::run() returns when everything has ended.
  void start();

 private:
  enum class Phase { starting, serving, draining, stopping_workers, stopping_logger, stopped };

  // Clients of the control socket who wait for the same thing.
  class Waiting {
   public:
    explicit Waiting(ControlServer& control) : control_(control) {}
    void add(uint32_t client) { clients_.push_back(client); }
    void tell(std::string_view text) const;
    void finish(bool done);
    const std::vector<uint32_t>& clients() const { return clients_; }

   private:
    ControlServer& control_;
    std::vector<uint32_t> clients_;
  };

  void on_signal(int number) override;
  void on_timer() override;
  void on_dispatchers_ready() override;
  void on_dispatchers_ended() override;
  void on_workers_ended() override;
  void on_logger_stopped() override;
  void on_command(uint32_t client, control_protocol::Command command) override;
  Handover hand_over() override;
  void on_upgrade_failed(const std::string& reason) override;

  void take_over(const Handover& from);
  void report(uint32_t client);
  void upgrade();
  void reload();
  void say_problem(const std::string& text);
  Result<std::string> put_in_force(config::Configuration next);
  std::string apply(config::Configuration next);
  size_t renew_certificates(RoutingFeed::Update& update);
  void announce_listeners(const std::vector<BoundListener>& before,
                          const std::vector<BoundListener>& now);
  void drain();
  void stop_workers();
  void stop_logger();
  void stop();

  EventLoop& loop_;
  MasterLog& master_log_;
  Log& log_;
  config::Loader& loader_;
  const std::string config_file_;
  Directories directories_;
  const WorkerCgroups cgroups_;
  const WorkerPlaces places_;
  const MetricsMemory metrics_memory_;
  Counts counts_;
  RoutingFeed feed_;
  DeadlineWheel wheel_;
  Children children_;
  StartThrottle throttle_;
  WarmWorkers warm_;
  ServiceManager service_manager_;
  ControlServer control_;
  Waiting reloading_{control_}, stopping_{control_}, upgrading_{control_};
  bool reload_was_clean_ = true;  // nothing was wrong with the configuration of the last reload
  LoggerLink logger_;
  KeyholderLink keyholder_;
  MetricsLink metrics_;
  Dispatchers dispatchers_;
  WorkerServices services_;
  WorkerGroups groups_;
  Upgrade upgrade_;
  Timer step_;  // the longest that the phase may last
  std::array<SignalWatcher, 5> signals_;
  Phase phase_ = Phase::starting;
  const Instant started_ = loop_.now();
  std::vector<BoundListener> first_listeners_;  // until start()
  std::optional<Handover> handover_;            // until start()
};

}  // namespace dmpm::master
