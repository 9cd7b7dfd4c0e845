// Groups and workers across an upgrade of the master: what of them is handed over, and how the next
// master has them again. Workers go on serving meanwhile and notice nothing.
#include <algorithm>
#include <csignal>

#include "base/text.h"
#include "logger/protocol.h"
#include "master/handover.h"
#include "master/worker_groups.h"

namespace dmpm::master {

// ---- Worker ----

Handover::Worker Worker::hand_over() const {
  Handover::Worker record;
  record.name = name_;
  record.number = number_;
  record.state = static_cast<uint32_t>(state_);
  if (has_process()) {
    record.pid = static_cast<uint32_t>(pid());
    record.age = static_cast<uint64_t>(age().count());
  }
  if (socket_) record.socket = socket_->fd();
  if (log_) record.log = log_->fd();
  record.holders = holders.to_ullong();
  record.asked = asked.to_ullong();
  return record;
}

// A process that had not got as far as exec has by now, or its end will tell. What waited for its
// start waits again.
Worker::Worker(WorkerServices& services, WorkerEvents& events, const config::Group& group,
               const Handover::Worker& record)
    : Worker(services, events, group, record.number) {
  name_ = record.name;
  holders = DispatcherSet(record.holders);
  asked = DispatcherSet(record.asked);
  auto state = static_cast<WorkerState>(record.state);
  if (state == WorkerState::starting) state = WorkerState::running;
  if (record.pid == 0 && state == WorkerState::running) state = WorkerState::queued;
  move_to(state);
  if (record.socket >= 0) {
    socket_.emplace(WorkerSocket::take_over(services.places.sockets, name_, Fd(record.socket)));
  }
  if (record.log >= 0) {
    log_.emplace(WorkerLog::take_over(services.places.pipes, name_, Fd(record.log)));
    if (live()) open_log();
  }
  if (record.pid == 0) return;
  started_ = services.loop.now() - Milliseconds(record.age);
  const WorkerPlaces& places = services.places;
  process_.take_over(
      static_cast<pid_t>(record.pid),
      clean_up_after({*group_, number_, places.starter, -1, name_, -1, places.open_files, -1}));
  if (places.cgroups != nullptr) {
    auto found = places.cgroups->take_over(group.name, number_, pid());
    if (found) cgroup_.emplace(std::move(*found));
  }
  ++services.processes;
}

void WorkerProcess::take_over(pid_t pid, std::optional<CleanUp> clean_up) {
  pid_ = pid;
  clean_up_ = std::move(clean_up);
  children_.add(pid_, *this);
}

WorkerSocket WorkerSocket::take_over(const std::string& directory, const std::string& name, Fd fd) {
  return {concat({directory, "/", name}), std::move(fd)};
}

WorkerLog WorkerLog::take_over(int pipes, std::string name, Fd fd) {
  return {pipes, std::move(name), std::move(fd)};
}

// ---- WorkerGroup ----

void WorkerGroup::hand_over(Handover& to) const {
  for (const auto& worker : workers_) {
    to.workers.push_back(worker->hand_over());
    to.workers.back().group = group_->name;
    to.workers.back().group_number = number_;
  }
  if (waiting_.any()) to.waiting.push_back({number_, waiting_.to_ullong()});
}

void WorkerGroup::take_over(const Handover::Worker& record) {
  workers_.push_back(std::make_unique<Worker>(services_, *this, *group_, record));
  last_worker_ = std::max(last_worker_, record.number);
}

// Each worker goes on from its state.
void WorkerGroup::resume() {
  for (size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[i];
    switch (worker.state()) {
      case WorkerState::queued: services_.throttle.request(worker); break;
      case WorkerState::starting:
      case WorkerState::running: watch_unheld(worker); break;
      case WorkerState::releasing: after_release(worker); break;
      case WorkerState::stopping: worker.set_deadline(scale().stop_timeout); break;
      case WorkerState::ended: worker.set_deadline(kLogLinger); break;
    }
  }
  settle();
}

// ---- WorkerGroups ----

void WorkerGroups::hand_over(Handover& to) const {
  to.last_worker = services_.last_worker;
  for (const auto& [number, group] : groups_) group->hand_over(to);
}

void WorkerGroups::take_over(const Handover& from) {
  last_ = std::max(last_, from.last_group);
  services_.last_worker = from.last_worker;
  // What the new configuration does not have, or has in another way, is there to finish. It can start
  // nothing any more: without ids a start is refused.
  std::unordered_map<uint32_t, config::Group> leaving;
  const auto find_or_make = [&](uint32_t number, const std::string& name) -> WorkerGroup& {
    if (WorkerGroup* group = find(number)) return *group;
    config::Group& group = leaving[number];
    group.name = name;
    put(number, group);
    return *find(number);
  };
  for (const Handover::Worker& worker : from.workers) {
    find_or_make(worker.group_number, worker.group).take_over(worker);
  }
  for (const Handover::Waiting& waiting : from.waiting) {
    find_or_make(waiting.group_number, "").wait(Worker::DispatcherSet(waiting.dispatchers));
  }
  for (const auto& [number, group] : leaving) remove(number);
  for (const auto& [number, group] : groups_) group->resume();
}

}  // namespace dmpm::master
