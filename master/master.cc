#include "master/master.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/text.h"
#include "master/fixed_settings.h"
#include "master/limits.h"
#include "master/notices.h"
#include "master/process_memory.h"

namespace dmpm::master {

namespace {

constexpr size_t kManyFiles = 100;

WorkerPlaces places_of(const Prepared& prepared, const WorkerCgroups& cgroups) {
  return {prepared.directories.sockets,
          prepared.directories.pipes.get(),
          prepared.configuration.dispatcher.identity.gid,
          prepared.configuration.logger.gid,
          prepared.programs + "/dmpm-worker-start",
          prepared.worker_open_files,
          &cgroups,
          prepared.directories.privates.get(),
          prepared.configuration.private_directories};
}

Dispatchers::Settings dispatcher_settings(const Prepared& prepared) {
  const config::DispatcherSettings& wanted = prepared.configuration.dispatcher;
  return {prepared.programs + "/dmpm-dispatcher", prepared.directories.sockets, wanted.identity};
}

}  // namespace

Master::Master(EventLoop& loop, MasterLog& log, config::Loader& loader, Prepared prepared)
    : loop_(loop),
      master_log_(log),
      log_(log.log()),
      loader_(loader),
      config_file_(prepared.config_file),
      cgroups_(prepared.configuration.runtime_directory, prepared.handover.has_value()),
      places_(places_of(prepared, cgroups_)),
      metrics_memory_(std::move(prepared.metrics_memory)),
      counts_(std::move(prepared.counts)),
      wheel_(loop),
      children_(loop),
      throttle_(loop, kStartsPerSecond, kStartBurst),
      warm_(loop, memory_is_short),
      service_manager_(loop),
      control_(loop, wheel_, std::move(prepared.control), *this),
      logger_(loop, children_, log_, prepared.programs + "/dmpm-logger", prepared.configuration,
              {std::move(prepared.logger_dispatchers), std::move(prepared.logger_exchanges)}, feed_,
              counts_, *this),
      keyholder_(loop, children_, log_, prepared.programs + "/dmpm-keyholder",
                 prepared.directories.empty, prepared.configuration.keyholder,
                 std::move(prepared.key_channels), feed_, counts_),
      metrics_(loop, children_, log_, prepared.programs + "/dmpm-metrics",
               prepared.directories.empty, std::move(prepared.metrics_sockets), metrics_memory_,
               feed_, counts_),
      dispatchers_(loop, children_, log_, dispatcher_settings(prepared),
                   {std::move(prepared.dispatcher_log), std::move(prepared.dispatcher_exchanges)},
                   keyholder_, metrics_memory_, counts_, feed_, groups_, *this),
      services_{loop,    wheel_,       log_,  children_, throttle_, warm_,
                logger_, dispatchers_, *this, places_,   counts_,   metrics_},
      groups_(services_),
      upgrade_(loop, children_, prepared.programs + "/dmpm-master", config_file_, *this),
      step_(loop, *this),
      signals_{SignalWatcher(loop, SIGHUP, *this), SignalWatcher(loop, SIGTERM, *this),
               SignalWatcher(loop, SIGINT, *this), SignalWatcher(loop, SIGUSR1, *this),
               SignalWatcher(loop, SIGUSR2, *this)},
      first_listeners_(std::move(prepared.listeners)),
      handover_(std::move(prepared.handover)) {
  directories_ = std::move(prepared.directories);
  master_log_.set_logger(&logger_);
  master_log_.set_dropped(&counts_.own().log_lines_dropped);
  counts_.own().pid.set(static_cast<uint64_t>(::getpid()));
  counts_.own().started.set(static_cast<uint64_t>(started_.time_since_epoch().count()));
  if (handover_) feed_.take_over(*handover_);
  apply(std::move(prepared.configuration));
  if (handover_) take_over(*handover_);
}

Master::~Master() {
  master_log_.set_logger(nullptr);
  master_log_.set_dropped(nullptr);
}

void Master::start() {
  if (!cgroups_.available()) {
    log_.warning(concat({"workers run without cgroups (", cgroups_.reason(),
                         "): a daemon that leaves its session outlives its worker"}));
  }
  const unsigned processes = feed_.configuration().dispatcher.processes;
  if (handover_) {
    logger_.take_over(*handover_);
    keyholder_.take_over(*handover_);
    metrics_.take_over(*handover_);
  } else {
    logger_.start();
    keyholder_.start();
    metrics_.start();
    announce_listeners({}, first_listeners_);
  }
  // There is always room: what was taken over is told to go only now.
  dispatchers_.renew(processes, std::move(first_listeners_));
  handover_.reset();
  // Those that came since the master before let go of the process.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void Master::on_signal(int number) {
  switch (number) {
    case SIGHUP: return reload();
    case SIGUSR1: return logger_.reopen();
    case SIGUSR2: return upgrade();
    default: return phase_ <= Phase::serving ? drain() : stop();
  }
}

void Master::announce_listeners(const std::vector<BoundListener>& before,
                                const std::vector<BoundListener>& now) {
  const auto known = [&before](const BoundListener& listener) {
    return std::any_of(before.begin(), before.end(), [&listener](const BoundListener& other) {
      return other.description == listener.description;
    });
  };
  for (const BoundListener& listener : now) {
    if (!known(listener)) master_log_.announce(concat({"listening on ", listener.description}));
  }
}

void Master::on_dispatchers_ready() {
  if (phase_ > Phase::serving) return;
  if (phase_ == Phase::starting) {
    phase_ = Phase::serving;
    groups_.ensure_minimum();
    ::malloc_trim(0);
    master_log_.announce("ready");
  }
  reloading_.finish(reload_was_clean_);
  upgrading_.tell("upgraded: new dispatchers serve, the old ones finish what they have");
  upgrading_.finish(true);
  service_manager_.ready("serving");
}

// ---- commands ----

void Master::Waiting::tell(std::string_view text) const {
  for (const uint32_t client : clients_) control_.line(client, text);
}

void Master::Waiting::finish(bool done) {
  for (const uint32_t client : clients_) control_.finish(client, done);
  clients_.clear();
}

void Master::on_command(uint32_t client, control_protocol::Command command) {
  switch (command) {
    case control_protocol::Command::status: return report(client);
    case control_protocol::Command::reload: reloading_.add(client); return reload();
    case control_protocol::Command::upgrade: upgrading_.add(client); return upgrade();
    case control_protocol::Command::stop:
      stopping_.add(client);
      if (phase_ <= Phase::serving) drain();
      return;
  }
  control_.line(client, "this master does not know that command");
  control_.finish(client, false);
}

void Master::report(uint32_t client) {
  constexpr std::array kPhases{"starting",         "serving",         "draining",
                               "stopping workers", "stopping logger", "stopped"};
  {
    StatusReport report([this, client](std::string_view items) { control_.send(client, items); });
    report.item(control_protocol::Item::master)
        .u32(static_cast<uint32_t>(::getpid()))
        .u64(static_cast<uint64_t>((loop_.now() - started_).count()))
        .string(kPhases[static_cast<size_t>(phase_)])
        .string(config_file_);
    logger_.describe(report);
    keyholder_.describe(report);
    metrics_.describe(report);
    dispatchers_.describe(report);
    groups_.describe(report);
  }
  control_.finish(client, true);
}

// ---- reload ----

void Master::reload() {
  if (phase_ > Phase::serving) {
    reloading_.tell("dmpm stops: nothing is reloaded");
    return reloading_.finish(false);
  }
  service_manager_.reloading();
  reload_was_clean_ = true;
  config::LoadOutcome outcome = loader_.load();
  for (const config::Problem& problem : outcome.problems) say_problem(problem.to_string());
  auto done = outcome.configuration ? put_in_force(std::move(*outcome.configuration))
                                    : Result<std::string>(Error{"the configuration is wrong"});
  if (!done) say_problem(done.error().message);
  const std::string result =
      !done ? "reload failed: nothing was changed"
            : concat({"reload done: ", *done,
                      reload_was_clean_ ? "" : "; what is wrong stays as it was"});
  master_log_.announce(result);
  reloading_.tell(result);
  // Reading many needs three times what is kept.
  if (done && outcome.site_files_read > kManyFiles) ::malloc_trim(0);
  if (done) return;
  reloading_.finish(false);
  if (phase_ == Phase::serving) service_manager_.ready("serving; the last reload failed");
}

void Master::say_problem(const std::string& text) {
  reload_was_clean_ = false;
  log_.error(text);
  reloading_.tell(text);
}

// All of it or nothing. What changed, or why it cannot.
Result<std::string> Master::put_in_force(config::Configuration next) {
  const config::Configuration& now = feed_.configuration();
  if (const Status fixed = fixed_settings_unchanged(now, next); !fixed.ok()) return fixed.error();
  const unsigned processes = next.dispatcher.processes;
  if (next.listen == now.listen && processes == now.dispatcher.processes) {
    return apply(std::move(next));
  }
  if (dispatchers_.room() < processes) {
    return Error{"the dispatchers of earlier changes of \"listen\" still finish what they have"};
  }
  const std::vector<BoundListener> before = dispatchers_.listeners();
  auto listeners = bind_listeners(next.listen, processes, before);
  if (!listeners) return listeners.error();
  const std::string changed = apply(std::move(next));
  announce_listeners(before, *listeners);
  dispatchers_.renew(processes, std::move(*listeners));
  return concat({changed, ", new dispatchers for \"listen\""});
}

// Puts `next` in force in every process; what changed, for the log.
std::string Master::apply(config::Configuration next) {
  RoutingFeed::Update update = feed_.update(std::move(next));
  // First the book, so that an answer to the news finds it right; the workers that have to go are
  // told to the dispatchers after the news that nothing is sent to them any more.
  for (const auto& [number, group] : update.groups) groups_.put(number, *group);
  for (const uint32_t number : update.forgotten_certificates) keyholder_.forget(number);
  const size_t renewed = renew_certificates(update);
  // The logger knows of a virtual host before a dispatcher can name it.
  logger_.configure(update.access_logs);
  dispatchers_.configure(update.notices);
  metrics_.configure(update.notices, update.groups);
  for (const uint32_t number : update.removed_groups) groups_.remove(number);
  if (phase_ == Phase::serving) groups_.ensure_minimum();
  warm_.set_budget(feed_.configuration().keep_warm);
  return concat(
      {std::to_string(update.groups_changed), " groups changed, ",
       std::to_string(update.virtual_hosts_changed), " virtual hosts changed",
       renewed == 0 ? "" : concat({", ", std::to_string(renewed), " certificates renewed"})});
}

// Certificates are read when they are first used: only of those that were can anybody have an old version.
// How many are renewed.
size_t Master::renew_certificates(RoutingFeed::Update& update) {
  std::vector<config::Problem> problems;
  const std::vector<uint32_t> renewed = keyholder_.renewed(problems);
  for (const uint32_t number : renewed) {
    keyholder_.forget(number);
    update.notices.push_back(forget_certificate(number));
  }
  for (const config::Problem& problem : problems) say_problem(problem.to_string());
  return renewed.size();
}

// ---- upgrade ----

void Master::upgrade() {
  if (phase_ != Phase::serving) return on_upgrade_failed("dmpm starts or stops");
  if (dispatchers_.room() < dispatchers_.count()) {
    return on_upgrade_failed("the dispatchers of earlier upgrades still finish what they have");
  }
  log_.info("upgrade: trying the new version");
  upgrade_.begin();
}

void Master::on_upgrade_failed(const std::string& reason) {
  for (size_t at = 0; at < reason.size();) {
    const size_t end = std::min(reason.find('\n', at), reason.size());
    const std::string line = reason.substr(at, end - at);
    log_.error(concat({"upgrade: ", line}));
    upgrading_.tell(line);
    at = end + 1;
  }
  master_log_.announce("upgrade failed: the running version goes on");
  upgrading_.tell("upgrade failed: the running version goes on");
  upgrading_.finish(false);
}

Handover Master::hand_over() {
  Handover to;
  to.fixed_settings = fixed_settings(feed_.configuration());
  to.lock = directories_.lock.get();
  to.control = control_.listener();
  to.open_files_soft = places_.open_files.rlim_cur;
  to.open_files_hard = places_.open_files.rlim_max;
  feed_.hand_over(to);
  groups_.hand_over(to);
  dispatchers_.hand_over(to);
  logger_.hand_over(to);
  keyholder_.hand_over(to);
  metrics_.hand_over(to);
  to.metrics_memory = metrics_memory_.master.get();
  for (const Fd& memory : metrics_memory_.dispatchers) to.metrics_memories.push_back(memory.get());
  for (const uint32_t client : upgrading_.clients()) {
    if (control_.connection(client) >= 0) to.clients.push_back(control_.connection(client));
  }
  return to;
}

// With the configuration in force. First the dispatchers, whom the groups may have to tell.
void Master::take_over(const Handover& from) {
  dispatchers_.take_over(from, first_listeners_);
  groups_.take_over(from);
  for (const int connection : from.clients) upgrading_.add(control_.adopt(Fd(connection)));
  children_.catch_up();
}

// ---- the end, step by step ----

void Master::drain() {
  log_.info("stopping: the dispatchers finish what is in flight");
  service_manager_.stopping();
  upgrade_.cancel();
  for (Waiting* waiting : {&reloading_, &upgrading_}) {
    waiting->tell("dmpm stops");
    waiting->finish(false);
  }
  stopping_.tell("stopping: what is in flight is finished");
  phase_ = Phase::draining;
  step_.set(kDrainTime + kDrainGrace);
  dispatchers_.drain();
}

void Master::on_dispatchers_ended() {
  if (phase_ == Phase::draining) stop_workers();
}

void Master::stop_workers() {
  keyholder_.stop();
  metrics_.stop();
  phase_ = Phase::stopping_workers;
  step_.set(kWorkersStopTime);
  groups_.stop_all();
  if (services_.processes == 0) stop_logger();
}

void Master::on_workers_ended() {
  if (phase_ == Phase::stopping_workers) stop_logger();
}

void Master::stop_logger() {
  log_.info("stopped: dispatchers and workers have gone");
  phase_ = Phase::stopping_logger;
  step_.set(kLoggerStopTime);
  logger_.stop();
}

void Master::on_logger_stopped() {
  if (phase_ == Phase::stopping_logger) stop();
}

// What is still there is killed.
void Master::stop() {
  phase_ = Phase::stopped;
  step_.cancel();
  children_.kill_all();
  stopping_.finish(true);
  loop_.stop();
}

// A phase took too long.
void Master::on_timer() {
  switch (phase_) {
    case Phase::draining: return dispatchers_.kill();
    case Phase::stopping_workers: return stop_logger();
    default: return stop();
  }
}

}  // namespace dmpm::master
