// WorkerGroup, first half: the configuration, and what dispatchers say. The second half, what
// happens to workers, is in worker_group_life.cc.
#include "master/worker_group.h"

#include <algorithm>

#include "base/text.h"
#include "master/notices.h"

namespace dmpm::master {

WorkerGroup::WorkerGroup(WorkerServices& services, const config::Group& group, uint32_t number)
    : services_(services),
      group_(&group),
      counts_(services.counts.workers_of(group.name)),
      number_(number) {}

// ---- configuration ----

void WorkerGroup::adopt(const config::Group& group) {
  group_ = &group;
  for (const auto& worker : workers_) worker->use(group);
}

void WorkerGroup::retire() {
  retired_ = std::make_unique<Retired>(
      Retired{*group_, now() + scale().queue_timeout, now() + kRetireTime});
  adopt(retired_->group);
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i]->state() == WorkerState::running) ask_release(*workers_[i]);
  }
}

bool WorkerGroup::finished() const {
  return retired_ && workers_.empty() && waiting_.none() && now() >= retired_->wanted_until;
}

// ---- what dispatchers say ----

Offence WorkerGroup::want(unsigned d) {
  if (waiting_.test(d)) return "asks for a worker again before it has the answer";
  waiting_.set(d);
  settle();
  return nullptr;
}

Offence WorkerGroup::idle(unsigned d, uint32_t number) {
  Offence offence = nullptr;
  Worker* worker = find(d, number, offence);
  if (worker == nullptr || worker->state() != WorkerState::running) return offence;
  worker->idle.set(d);
  if (worker->idle == worker->holders) consider_idle(*worker);
  return nullptr;
}

Offence WorkerGroup::in_use(unsigned d, uint32_t number) {
  Offence offence = nullptr;
  Worker* worker = find(d, number, offence);
  if (worker == nullptr || worker->state() != WorkerState::running) return offence;
  worker->idle.reset(d);
  services_.warm.remove(*worker);
  return nullptr;
}

// Its successor in its place first, so that no request waits; it may be one more than max_workers.
Offence WorkerGroup::spent(unsigned d, uint32_t number) {
  Offence offence = nullptr;
  Worker* worker = find(d, number, offence);
  if (worker == nullptr || worker->state() != WorkerState::running) return offence;
  if (worker->spent_until || retired_) return nullptr;
  worker->spent_until = now() + kRetireTime;
  say(LogLevel::info, *worker,
      "is replaced: it has served its requests_per_worker, or answers nothing");
  settle();
  return nullptr;
}

Offence WorkerGroup::released(unsigned d, uint32_t number) {
  Offence offence = nullptr;
  Worker* worker = find(d, number, offence);
  if (worker == nullptr) return offence;
  if (!worker->asked.test(d)) return "releases a worker unasked";
  worker->asked.reset(d);
  worker->holders.reset(d);
  worker->idle.reset(d);
  answer_waiting();  // may take the worker back into use
  after_release(*worker);
  return nullptr;
}

Offence WorkerGroup::busy(unsigned d, uint32_t number) {
  Offence offence = nullptr;
  Worker* worker = find(d, number, offence);
  if (worker == nullptr) return offence;
  if (!worker->asked.test(d)) return "calls a worker busy unasked";
  worker->asked.reset(d);
  if (worker->state() == WorkerState::releasing) keep(*worker);
  settle();
  return nullptr;
}

void WorkerGroup::forget_dispatcher(unsigned d) {
  waiting_.reset(d);
  for (size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[i];
    worker.asked.reset(d);
    worker.holders.reset(d);
    worker.idle.reset(d);
    after_release(worker);
  }
}

// Only live workers that `d` was told of are found; those on their way out are nobody's offence.
Worker* WorkerGroup::find(unsigned d, uint32_t number, Offence& offence) {
  if (number == 0 || number > last_worker_) offence = "names a worker that never was";
  for (const auto& worker : workers_) {
    if (worker->number() != number || !worker->live()) continue;
    if (worker->holders.test(d)) return worker.get();
    offence = "speaks of a worker that it does not have";
  }
  return nullptr;
}

// ---- answers ----

// After anything that may change an answer or the number of workers.
void WorkerGroup::settle() {
  answer_waiting();
  ensure_minimum();
  replace_spent();
  const Instant next = std::max(not_before_, busy_until_);
  const bool below_minimum = !retired_ && live() < scale().min_workers;
  if ((waiting_.any() || below_minimum) && now() < next) {
    services_.wheel.set(*this, (now() < not_before_ ? not_before_ : busy_until_) - now());
  }
}

void WorkerGroup::on_deadline() {
  settle();
}

void WorkerGroup::answer_waiting() {
  for (unsigned d = 0; waiting_.any() && d < waiting_.size(); ++d) {
    if (waiting_.test(d)) answer(d);
  }
}

void WorkerGroup::answer(unsigned d) {
  if (answer_with_worker(d) || services_.closing) return;
  if (now() + kShortBackoff < not_before_) return answer_failed(d);
  if (now() < not_before_) return;  // on_deadline() is near
  if (live() < std::max(1U, scale().max_workers)) return add_worker();
  answer_busy(d);
}

// True when there is nothing more to do now: it has a worker, or one is about to be there.
bool WorkerGroup::answer_with_worker(unsigned d) {
  bool soon = false;
  for (const auto& worker : workers_) {
    if (worker->state() == WorkerState::running && !worker->holders.test(d) &&
        !worker->spent_until) {
      tell_ready(*worker, d);
      return true;
    }
  }
  for (const auto& worker : workers_) {
    if (worker->spent_until) continue;
    if (worker->state() == WorkerState::releasing && !worker->asked.test(d)) {
      const bool ready = worker->has_process();
      keep(*worker);
      if (ready) tell_ready(*worker, d);
      return true;
    }
    // One that it was asked to release: its answer decides, and is on its way.
    soon = soon || (worker->live() && worker->state() != WorkerState::running);
  }
  return soon;
}

void WorkerGroup::answer_busy(unsigned d) {
  if (now() < busy_until_) return;
  busy_until_ = now() + kBusyRetry;
  waiting_.reset(d);
  const std::string count = std::to_string(live());
  services_.dispatchers.send(
      d, worker_failed(number_, kBusyRetry, concat({"all ", count, " workers are busy"})));
}

void WorkerGroup::answer_failed(unsigned d) {
  waiting_.reset(d);
  services_.dispatchers.send(d, worker_failed(number_, not_before_ - now(), failure_));
}

void WorkerGroup::tell_ready(Worker& worker, unsigned d) {
  waiting_.reset(d);
  worker.holders.set(d);
  worker.idle.reset(d);
  services_.warm.remove(worker);
  const auto share = [this](unsigned all) {
    return all == 0 ? 0 : std::max(1U, all / std::max(1U, services_.dispatchers.count()));
  };
  services_.dispatchers.send(
      d, worker_ready(number_, worker.number(), share(scale().connections_per_worker),
                      share(scale().requests_at_once), share(scale().requests_per_worker),
                      worker.socket_name()));
  if (retired_) {
    worker.set_deadline(kRetireAskEvery);
  } else {
    worker.cancel_deadline();  // it had been left alone
  }
}

}  // namespace dmpm::master
