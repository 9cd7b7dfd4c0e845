// Worker: a socket of a group, and the process that serves it. When that dies, a successor may
// serve the same socket, so that what waits in its queue is not lost: the worker's number stays the
// same.
//
//   queued ──────▶ starting ────▶ running ◀───── busy, or wanted ────── releasing ──▶ stopping ─▶ ended
//     ▲  throttle     │   exec       │ ─────── nobody needs it ────────▶   │   let go    │ reaped
//     │               │              │                                     │             │
//     └───────────────┴──── died ────┴── (with connections waiting) ───────┘ ── or not ──┘
//
// releasing: the dispatchers were asked to let go of it. The process may be there or not (it left
// by itself). ended: socket and process are gone, the log pipe lingers for the logger.
//
// The worker knows how; WorkerGroup decides when, and alone calls set_state().
#pragma once

#include <bitset>
#include <optional>
#include <string>

#include "base/deadline_wheel.h"
#include "master/handover.h"
#include "master/limits.h"
#include "master/start_throttle.h"
#include "master/warm_workers.h"
#include "master/worker_cgroup.h"
#include "master/worker_log.h"
#include "master/worker_process.h"
#include "master/worker_services.h"
#include "master/worker_socket.h"

namespace dmpm::master {

class Worker;

enum class WorkerState { queued, starting, running, releasing, stopping, ended };

class WorkerEvents {
 public:
  virtual void on_worker_started(Worker& worker) = 0;
  // A step before exec failed; no process is left.
  virtual void on_worker_start_failed(Worker& worker, const std::string& reason) = 0;
  virtual void on_worker_died(Worker& worker, int wait_status) = 0;
  // What set_deadline() asked for. May destroy the worker.
  virtual void on_worker_deadline(Worker& worker) = 0;
  // It was idle, and its memory is needed for others.
  virtual void on_worker_cooled(Worker& worker) = 0;

 protected:
  ~WorkerEvents() = default;
};

class Worker final : public Deadline, public Startable, public Warm, public WorkerProcessHandler {
 public:
  using DispatcherSet = std::bitset<kMaxDispatchers>;

  // `number` is used once over all groups, so that a group that was removed and came back never
  // meets its own old socket.
  Worker(WorkerServices& services, WorkerEvents& events, const config::Group& group,
         uint32_t number);
  // One that the master before had (worker_handover.cc).
  Worker(WorkerServices& services, WorkerEvents& events, const config::Group& group,
         const Handover::Worker& record);
  ~Worker();
  Handover::Worker hand_over() const;

  uint32_t number() const { return number_; }
  WorkerState state() const { return state_; }
  // Aborts on a transition that is not drawn above.
  void set_state(WorkerState next);
  // Not on its way out.
  bool live() const { return state_ < WorkerState::stopping; }
  bool has_process() const { return process_.exists(); }
  pid_t pid() const { return process_.pid(); }
  Milliseconds age() const { return services_.loop.now() - started_; }
  // A connection waits in the socket's queue.
  bool connection_waits() const { return socket_ && socket_->connection_waits(); }
  const std::string& socket_name() const { return name_; }

  // The next start uses this version of the group.
  void use(const config::Group& group) { group_ = &group; }
  // Makes what is missing of socket and log, and forks. Called by the throttle.
  void start_now() override;
  void signal(int number) const { process_.signal(number); }
  // With all that it made: one of them may trace it, and keep its end from us.
  void kill();
  bool killed() const { return killed_; }
  // What was killed does not end: its end is waited for no more when the master stops.
  void give_up();
  void remove_socket() { socket_.reset(); }
  // The logger reads what is left; the pipe stays until the worker is destroyed.
  void close_log();
  void set_deadline(Milliseconds delay) { services_.wheel.set(*this, delay); }
  void cancel_deadline() { DeadlineWheel::cancel(*this); }

  // Whether it is among those that stay for their warmth, and what it has of the memory for them.
  bool is_warm() const { return Warm::linked(); }
  // Bytes of memory that go when it goes, as far as is cheap to know; nothing: more than is looked at.
  std::optional<uint64_t> memory() const;
  // Microseconds of processor time that its present process, or the last one, and all that it made
  // have used; 0 without a cgroup.
  uint64_t cpu_us() const { return cgroup_ ? cgroup_->cpu_us() : 0; }

  // Dispatchers that were told of it and have not let go; those of them that call it idle; those that
  // were asked to let go and have not answered.
  DispatcherSet holders, idle, asked;
  // It has served its requests_per_worker: another one takes over. Until when it may take its time.
  std::optional<Instant> spent_until;

 private:
  Status prepare();
  Result<std::string> private_directory() const;
  void tell_if_last() const;
  // Counts it where it is now, and no more where it was.
  void move_to(WorkerState next);
  metrics::Counter& counted_in(WorkerState state) const {
    return counts_.states[static_cast<size_t>(state)];
  }
  void open_log();
  void give_way() override { events_.on_worker_cooled(*this); }
  void on_deadline() override { events_.on_worker_deadline(*this); }
  void on_process_started() override {
    // (One that was killed before exec looks the same here.)
    if (state_ == WorkerState::starting && !killed_) events_.on_worker_started(*this);
  }
  void on_left_behind(const std::string& reason) override;
  void on_process_ended(int wait_status, const std::string& setup_error) override;

  WorkerServices& services_;
  WorkerEvents& events_;
  const config::Group* group_;
  const uint32_t number_;
  std::string name_;  // "GROUP.N": of its socket and of its log pipe
  metrics::WorkerRow& counts_;
  WorkerState state_ = WorkerState::queued;
  Instant started_{};
  bool killed_ = false;    // its process
  bool given_up_ = false;  // the same
  std::optional<WorkerSocket> socket_;
  std::optional<WorkerLog> log_;
  bool log_open_ = false;
  std::optional<WorkerCgroup> cgroup_;
  WorkerProcess process_;
};

}  // namespace dmpm::master
