#include "master/master.h"

#include <malloc.h>

#include <csignal>

#include "base/text.h"
#include "master/fixed_settings.h"
#include "master/limits.h"

namespace dmpm::master {

namespace {

WorkerPlaces places_of(const Prepared& prepared) {
  return {prepared.directories.sockets,
          prepared.directories.pipes.get(),
          prepared.configuration.dispatcher.identity.gid,
          prepared.configuration.logger.gid,
          prepared.programs + "/dmpm-worker-start",
          prepared.worker_open_files};
}

Dispatchers::Settings dispatcher_settings(const Prepared& prepared) {
  const config::DispatcherSettings& wanted = prepared.configuration.dispatcher;
  return {wanted.processes, prepared.programs + "/dmpm-dispatcher", prepared.directories.sockets,
          wanted.identity};
}

}  // namespace

Master::Master(EventLoop& loop, MasterLog& log, config::Loader& loader, Prepared prepared)
    : loop_(loop),
      master_log_(log),
      log_(log.log()),
      loader_(loader),
      places_(places_of(prepared)),
      wheel_(loop),
      children_(loop),
      throttle_(loop, kStartsPerSecond, kStartBurst),
      logger_(loop, children_, log_, prepared.programs + "/dmpm-logger", prepared.configuration,
              std::move(prepared.logger_dispatchers), *this),
      dispatchers_(loop, children_, log_, dispatcher_settings(prepared),
                   std::move(prepared.listeners), std::move(prepared.dispatcher_log), feed_, *this),
      services_{loop, wheel_, log_, children_, throttle_, logger_, dispatchers_, *this, places_},
      groups_(services_),
      step_(loop, *this),
      signals_{SignalWatcher(loop, SIGHUP, *this), SignalWatcher(loop, SIGTERM, *this),
               SignalWatcher(loop, SIGINT, *this), SignalWatcher(loop, SIGUSR1, *this)} {
  directories_ = std::move(prepared.directories);
  master_log_.set_logger(&logger_);
  apply(std::move(prepared.configuration));
}

Master::~Master() {
  master_log_.set_logger(nullptr);
}

void Master::start() {
  logger_.start();
  dispatchers_.start(groups_);
}

void Master::on_signal(int number) {
  switch (number) {
    case SIGHUP: return reload();
    case SIGUSR1: return logger_.reopen();
    default: return phase_ <= Phase::serving ? drain() : stop();
  }
}

void Master::on_dispatchers_ready() {
  if (phase_ != Phase::starting) return;
  phase_ = Phase::serving;
  groups_.ensure_minimum();
  ::malloc_trim(0);
  master_log_.announce("ready");
}

// ---- reload ----

void Master::reload() {
  if (phase_ > Phase::serving) return;
  config::LoadOutcome outcome = loader_.load();
  for (const config::Problem& problem : outcome.problems) log_.error(problem.to_string());
  std::vector<std::string> refusals;
  if (outcome.configuration) {
    refusals = fixed_settings_changed(feed_.configuration(), *outcome.configuration);
  }
  for (const std::string& refusal : refusals) log_.error(refusal);
  if (!outcome.configuration || !refusals.empty()) {
    return master_log_.announce("reload failed: nothing was changed");
  }
  master_log_.announce(concat({"reload done: ", apply(std::move(*outcome.configuration))}));
  ::malloc_trim(0);  // what reading left free is three times what is kept
}

// Puts `next` in force in every process; what changed, for the log.
std::string Master::apply(config::Configuration next) {
  const RoutingFeed::Update update = feed_.update(std::move(next));
  // First the book, so that an answer to the news finds it right; the workers that have to go are
  // told to the dispatchers after the news that nothing is sent to them any more.
  feed_.for_each_group(
      [this](uint32_t number, const config::Group& group) { groups_.put(number, group); });
  dispatchers_.configure(update.notices);
  for (const uint32_t number : update.removed_groups) groups_.remove(number);
  if (phase_ == Phase::serving) groups_.ensure_minimum();
  return concat({std::to_string(update.groups_changed), " groups changed, ",
                 std::to_string(update.virtual_hosts_changed), " virtual hosts changed"});
}

// ---- the end, step by step ----

void Master::drain() {
  log_.info("stopping: the dispatchers finish what is in flight");
  phase_ = Phase::draining;
  step_.set(kDrainTime + kDrainGrace);
  dispatchers_.drain();
}

void Master::on_dispatchers_ended() {
  if (phase_ == Phase::draining) stop_workers();
}

void Master::stop_workers() {
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
