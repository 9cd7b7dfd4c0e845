// WorkerGroup, second half: what happens to workers.
#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/text.h"
#include "master/backoff.h"
#include "master/notices.h"
#include "master/worker_group.h"

namespace dmpm::master {

namespace {
std::string seconds(Milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(time.count()) / 1000);
  return text;
}
}  // namespace

// ---- start ----

void WorkerGroup::ensure_minimum() {
  if (retired_) return;
  // A start that fails at once closes the gate, which ends the loop.
  while (!services_.closing && now() >= not_before_ && live() < scale().min_workers) add_worker();
}

// One fresh worker for all that are spent: more follow when they are wanted.
void WorkerGroup::replace_spent() {
  if (retired_ || services_.closing || now() < not_before_ || live() > 0) return;
  for (const auto& worker : workers_) {
    if (worker->live() && worker->spent_until) return add_worker();
  }
}

void WorkerGroup::add_worker() {
  last_worker_ = ++services_.last_worker;
  workers_.push_back(std::make_unique<Worker>(services_, *this, *group_, last_worker_));
  services_.throttle.request(*workers_.back());
}

// A successor on the socket of a worker whose process has gone.
void WorkerGroup::start(Worker& worker) {
  worker.set_state(WorkerState::queued);
  worker.spent_until.reset();
  services_.throttle.request(worker);
}

void WorkerGroup::on_worker_started(Worker& worker) {
  worker.set_state(WorkerState::running);
  ++starts_;
  counts_.starts.add();
  say(LogLevel::info, worker, concat({"started, pid ", std::to_string(worker.pid())}));
  take_over(worker);
  answer_waiting();
  watch_unheld(worker);
}

// In the place of those that are spent, for the dispatchers that have them.
void WorkerGroup::take_over(Worker& fresh) {
  for (size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[i];
    if (worker.state() != WorkerState::running || !worker.spent_until) continue;
    for (unsigned d = 0; d < worker.holders.size(); ++d) {
      if (worker.holders.test(d) && !fresh.holders.test(d)) tell_ready(fresh, d);
    }
    ask_release(worker);
  }
}

void WorkerGroup::on_worker_start_failed(Worker& worker, const std::string& reason) {
  say(LogLevel::error, worker, reason);
  note_failure(reason);
  back_off(worker, reason,
           std::max(kStartFailureBackoff,
                    backoff_delay(failures_, kWorkerBackoffLeast, kWorkerBackoffMost)));
  settle();
}

// ---- end of use ----

// Nobody needs it now. It may stay for its warmth, if it is the group's only one.
void WorkerGroup::consider_idle(Worker& worker) {
  if (retired_) return ask_release(worker);
  const auto stays = [&worker](const auto& other) {
    return other.get() != &worker && other->live() && !other->spent_until &&
           other->state() != WorkerState::releasing;
  };
  const auto others = std::count_if(workers_.begin(), workers_.end(), stays);
  if (others < scale().min_workers || worker.is_warm()) return;
  const auto memory = others == 0 ? worker.memory() : std::nullopt;
  if (!memory || !services_.warm.keep(worker, *memory)) ask_release(worker);
}

void WorkerGroup::ask_release(Worker& worker) {
  if (worker.state() != WorkerState::releasing) worker.set_state(WorkerState::releasing);
  if (retired_ || worker.spent_until) worker.set_deadline(kRetireAskEvery);
  for (unsigned d = 0; d < worker.holders.size(); ++d) {
    if (!worker.holders.test(d) || worker.asked.test(d)) continue;
    worker.asked.set(d);
    services_.dispatchers.send(d, release_worker(number_, worker.number()));
  }
  after_release(worker);
}

// When nobody holds it any more: it goes, unless a connection waits for a successor.
void WorkerGroup::after_release(Worker& worker) {
  if (worker.state() == WorkerState::running) return watch_unheld(worker);
  if (worker.state() != WorkerState::releasing || worker.holders.any()) return;
  if (worker.has_process()) {
    stop(worker);
  } else if (worker.connection_waits()) {
    keep(worker);
  } else {
    end(worker);
    settle();
  }
}

// It is needed after all.
void WorkerGroup::keep(Worker& worker) {
  if (!worker.has_process()) return start(worker);
  worker.set_state(WorkerState::running);
  watch_unheld(worker);
}

// No dispatcher will ever call a worker idle that none of them holds, so the master looks after it;
// and after one of a retired group.
void WorkerGroup::watch_unheld(Worker& worker) {
  if (retired_ || worker.spent_until) {
    worker.set_deadline(kRetireAskEvery);
  } else if (worker.holders.none() && !worker.is_warm()) {
    worker.set_deadline(scale().idle_timeout);
  }
}

void WorkerGroup::stop(Worker& worker) {
  worker.set_state(WorkerState::stopping);
  worker.remove_socket();
  if (!worker.has_process()) return end(worker);
  worker.signal(SIGTERM);
  worker.set_deadline(scale().stop_timeout);
}

void WorkerGroup::end(Worker& worker) {
  worker.set_state(WorkerState::ended);
  worker.remove_socket();
  worker.close_log();
  for (unsigned d = 0; d < worker.holders.size(); ++d) {
    if (worker.holders.test(d)) {
      services_.dispatchers.send(d, worker_gone(number_, worker.number()));
    }
  }
  worker.holders.reset();
  worker.asked.reset();
  worker.set_deadline(kLogLinger);
}

void WorkerGroup::stop_all() {
  for (const auto& worker : workers_) {
    if (worker->live()) stop(*worker);
  }
}

// ---- death ----

void WorkerGroup::on_worker_died(Worker& worker, int wait_status) {
  const Milliseconds age = worker.age();
  cpu_us_ += worker.cpu_us();
  const std::string reason =
      concat({describe_ending(wait_status), " ", seconds(age), " after its start"});
  if (worker.state() == WorkerState::stopping || services_.closing) {
    failures_ = 0;  // in a row, and this one was none
    say(LogLevel::info, worker, concat({"stopped: ", reason}));
    end(worker);
    return settle();
  }
  const bool failed = wait_status != 0 || age < kYoung;
  say(failed ? LogLevel::warning : LogLevel::info, worker, reason);
  if (age >= kWorkerStableAfter) failures_ = 0;
  if (failed) {
    note_failure(reason);
    failure_ = reason;
  }
  const auto delay =
      failed ? backoff_delay(failures_, kWorkerBackoffLeast, kWorkerBackoffMost) : Milliseconds(0);
  if (delay > kShortBackoff) {
    back_off(worker, concat({reason, "; its log is workers/", group_->name, ".log"}), delay);
  } else if (delay.count() > 0) {
    pause(worker, delay);
  } else if (worker.connection_waits() || waiting_.any()) {
    start(worker);
  } else {
    ask_release(worker);  // who has a request for it calls it busy, and gets a successor
  }
  settle();
}

// Who waits, and who asks before the time is over, is told the reason (answer()).
void WorkerGroup::back_off(Worker& worker, const std::string& reason, Milliseconds delay) {
  say(LogLevel::warning, worker, concat({"no start before ", seconds(delay), " are over"}));
  not_before_ = now() + delay;
  failure_ = reason;
  end(worker);
}

// A short back-off: the socket stays, and the dispatchers that have it may connect.
void WorkerGroup::pause(Worker& worker, Milliseconds delay) {
  say(LogLevel::info, worker, concat({"starts again in ", seconds(delay)}));
  worker.set_state(WorkerState::queued);
  worker.set_deadline(delay);
}

void WorkerGroup::on_worker_deadline(Worker& worker) {
  const bool overdue = (retired_ && now() >= retired_->finished_by) ||
                       (worker.spent_until && now() >= *worker.spent_until);
  switch (worker.state()) {
    case WorkerState::queued:  // the end of a pause
      if (worker.connection_waits() || waiting_.any() || live() <= scale().min_workers) {
        services_.throttle.request(worker);
      } else {
        ask_release(worker);
      }
      break;
    case WorkerState::starting:
      worker.kill();  // on_worker_start_failed() follows
      break;
    case WorkerState::running:
    case WorkerState::releasing:
      if (overdue) {
        stop(worker);
      } else if (retired_ || worker.spent_until) {
        ask_release(worker);
      } else if (worker.holders.none()) {
        consider_idle(worker);
      }
      break;
    case WorkerState::stopping:
      if (worker.killed()) {
        say(LogLevel::error, worker, "was killed and has not gone: not waited for any more");
        worker.give_up();
        break;
      }
      say(LogLevel::warning, worker, "did not stop within stop_timeout: killed");
      worker.kill();
      worker.set_deadline(kKilledTime);
      break;
    case WorkerState::ended:
      std::erase_if(workers_, [&worker](const auto& other) { return other.get() == &worker; });
      break;
  }
}

unsigned WorkerGroup::live() const {
  return static_cast<unsigned>(
      std::count_if(workers_.begin(), workers_.end(),
                    [](const auto& worker) { return worker->live() && !worker->spent_until; }));
}

void WorkerGroup::note_failure(const std::string& reason) {
  ++failed_;
  ++failures_;
  counts_.failures.add();
  services_.troubles.trouble(group_->name, reason);
}

void WorkerGroup::say(LogLevel level, const Worker& worker, std::string_view text) const {
  services_.log.write(level, concat({"group ", group_->name, ": worker ",
                                     std::to_string(worker.number()), " ", text}));
}

}  // namespace dmpm::master
