#include "master/worker.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "logger/protocol.h"
#include "master/directories.h"
#include "master/process_memory.h"

namespace dmpm::master {

namespace {

// Row: from; the states that may follow, as drawn in worker.h.
bool may_follow(WorkerState from, WorkerState to) {
  using enum WorkerState;
  switch (from) {
    case queued: return to == starting || to == releasing || to == stopping || to == ended;
    case starting: return to != starting;
    case running: return to == queued || to == releasing || to == stopping || to == ended;
    case releasing: return to != starting && to != releasing;
    case stopping: return to == ended;
    case ended: return false;
  }
  return false;
}

// Invariant 4: a worker with the dispatchers' or the logger's group could reach other groups.
Status check_ids(const config::Permissions& may, const WorkerPlaces& places) {
  const auto forbidden = [&places](gid_t gid) {
    return gid == 0 || gid == places.dispatcher || gid == places.logger;
  };
  if (may.identity.uid == 0 || forbidden(may.identity.gid) ||
      std::any_of(may.supplementary_groups.begin(), may.supplementary_groups.end(), forbidden)) {
    return Error{"its user or groups are root's, the dispatcher's or the logger's: refused"};
  }
  return {};
}

}  // namespace

Worker::Worker(WorkerServices& services, WorkerEvents& events, const config::Group& group,
               uint32_t number)
    : services_(services),
      events_(events),
      group_(&group),
      number_(number),
      name_(concat({group.name, ".", std::to_string(number)})),
      counts_(services.counts.workers_of(group.name)),
      process_(services.loop, services.children, *this) {
  counted_in(state_).add();
}

Worker::~Worker() {
  counted_in(state_).set(counted_in(state_).get() - 1);
  services_.warm.remove(*this);
  close_log();
  if (!services_.closing) services_.spare_pipe.make();  // nobody waits
}

void Worker::set_state(WorkerState next) {
  if (!may_follow(state_, next)) std::abort();
  if (state_ == WorkerState::queued) Startable::unlink();
  move_to(next);
  cancel_deadline();
  services_.warm.remove(*this);
  idle.reset();
}

void Worker::move_to(WorkerState next) {
  counted_in(state_).set(counted_in(state_).get() - 1);
  state_ = next;
  counted_in(state_).add();
}

Status Worker::prepare() {
  const WorkerPlaces& places = services_.places;
  const config::Permissions& may = group_->permissions;
  if (Status ids = check_ids(may, places); !ids.ok()) return ids;
  if (!socket_) {
    auto socket = WorkerSocket::make(places.sockets, name_, places.dispatcher);
    if (!socket) return socket.error();
    socket_.emplace(std::move(*socket));
  }
  if (!log_) {
    auto log =
        WorkerLog::make(places.pipes, services_.spare_pipe, name_, may.identity.uid, places.logger);
    if (!log) return log.error();
    log_.emplace(std::move(*log));
  }
  cgroup_.reset();  // of the process before
  if (places.cgroups != nullptr) {
    if (auto made = places.cgroups->make(group_->name, number_)) cgroup_.emplace(std::move(*made));
  }
  return {};
}

// Empty where the preset has nothing to do with it.
Result<std::string> Worker::private_directory() const {
  const auto& adapter = group_->worker.adapter;
  const config::Permissions& may = group_->permissions;
  if (adapter.empty() || adapter.front() != "preset" || may.root != "/") return std::string();
  auto name = make_private_directory(services_.places.privates, group_->name, may.identity);
  if (!name) return name.error();
  return concat({services_.places.private_path, "/", *name});
}

void Worker::start_now() {
  set_state(WorkerState::starting);
  started_ = services_.loop.now();
  Status status = prepare();
  auto own = private_directory();
  if (status.ok() && !own) status = own.error();
  if (status.ok()) {
    status = process_.start({*group_, number_, services_.places.starter, socket_->fd(),
                             socket_->path(), log_->fd(), services_.places.open_files,
                             cgroup_ ? cgroup_->fd() : -1, std::move(*own)});
  }
  // Not before: who reads it need not have the processor now. Nothing is lost, the pipe is open.
  if (log_ && !log_open_) open_log();
  if (!status.ok()) return events_.on_worker_start_failed(*this, status.error().message);
  ++services_.processes;
  killed_ = given_up_ = false;
  set_deadline(group_->scale.start_timeout);
}

void Worker::kill() {
  killed_ = true;
  process_.signal(SIGKILL);
  if (cgroup_) cgroup_->kill();
}

void Worker::give_up() {
  if (std::exchange(given_up_, true)) return;
  --services_.processes;
  tell_if_last();
}

void Worker::tell_if_last() const {
  if (services_.closing && services_.processes == 0) services_.handler.on_workers_ended();
}

void Worker::open_log() {
  services_.log_reader.open_worker_log(number_, group_->name,
                                       concat({logger_protocol::kPipeDirectory, "/", name_}));
  log_open_ = true;
}

std::optional<uint64_t> Worker::memory() const {
  if (!has_process()) return 0;
  return memory_of(cgroup_ ? cgroup_->processes(kMaxMeasured + 1)
                           : descendants(pid(), kMaxMeasured + 1));
}

void Worker::close_log() {
  if (log_open_) services_.log_reader.close_worker_log(number_);
  log_open_ = false;
}

void Worker::on_left_behind(const std::string& reason) {
  services_.log.warning(concat({"group ", group_->name, ": worker ", std::to_string(number_),
                                " has ended, but not everything of it: ", reason}));
}

void Worker::on_process_ended(int wait_status, const std::string& setup_error) {
  if (!given_up_) --services_.processes;
  if (cgroup_) cgroup_->kill();  // what it leaves behind, before its successor is there
  const bool set_up = state_ != WorkerState::starting;
  if (!set_up && killed_) {
    events_.on_worker_start_failed(*this, "could not be set up within start_timeout: killed");
  } else if (!set_up && !setup_error.empty()) {
    events_.on_worker_start_failed(*this, setup_error);
  } else {
    events_.on_worker_died(*this, wait_status);
  }
  tell_if_last();
}

}  // namespace dmpm::master
