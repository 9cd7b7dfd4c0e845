// WorkerGroup: how many workers a group has, when they start and when they go.
//
//             want_worker                 the last worker ends
//   asleep ───────────────▶ awake (workers, see worker.h) ─────▶ asleep
//     ▲                       │ crash loop, or a start failed
//     └──── time is over ── backing off (no start before `not_before_`; then when wanted again, or
//                            at once if somebody waits or min_workers says so)
//
// After a crash the socket stays for the successor while the pause is short (kShortBackoff); beyond,
// the worker ends and who asks is told why and when to ask again.
//
// A sleeping group owns no timer, descriptor or memory but this object. What dispatchers say is
// checked here against the group's own book.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/deadline_wheel.h"
#include "config/configuration.h"
#include "master/status_report.h"
#include "master/worker.h"
#include "master/worker_services.h"

namespace dmpm::master {

// What a dispatcher did that no honest one does, for the log; null: nothing. Ends the dispatcher.
using Offence = const char*;

class WorkerGroup final : public Deadline, public WorkerEvents {
 public:
  WorkerGroup(WorkerServices& services, const config::Group& group, uint32_t number);

  // ---- configuration ----
  // The same group in a newer configuration: workers stay. `group` outlives the next adopt().
  void adopt(const config::Group& group);
  // No longer in the configuration: its workers finish what is in flight and go. Questions that
  // crossed with the news are answered as before, as long as a request may wait for one.
  void retire();
  // Nothing is left of a retired group.
  bool finished() const;

  // ---- what dispatcher `d` says ----
  Offence want(unsigned d);
  Offence idle(unsigned d, uint32_t worker);
  Offence in_use(unsigned d, uint32_t worker);
  Offence spent(unsigned d, uint32_t worker);
  Offence released(unsigned d, uint32_t worker);
  Offence busy(unsigned d, uint32_t worker);
  // It died: it holds nothing and waits for nothing any more.
  void forget_dispatcher(unsigned d);

  // ---- the master ----
  void describe(StatusReport& report) const;
  // Starts what min_workers asks for.
  void ensure_minimum();
  // The master stops: SIGTERM to every worker.
  void stop_all();

  // ---- across an upgrade (worker_handover.cc) ----
  void hand_over(Handover& to) const;
  void take_over(const Handover::Worker& record);
  void wait(Worker::DispatcherSet dispatchers) { waiting_ = dispatchers; }
  // After everything was taken over.
  void resume();

 private:
  // A retired group has its own copy of what it was.
  struct Retired {
    config::Group group;
    Instant wanted_until;  // requests that wait are not older
    Instant finished_by;   // then its workers are ended
  };

  void on_worker_started(Worker& worker) override;
  void on_worker_start_failed(Worker& worker, const std::string& reason) override;
  void on_worker_died(Worker& worker, int wait_status) override;
  void on_worker_deadline(Worker& worker) override;
  void on_worker_cooled(Worker& worker) override { ask_release(worker); }
  void on_deadline() override;

  const config::Scale& scale() const { return group_->scale; }
  Instant now() const { return services_.loop.now(); }
  void answer_waiting();
  void answer(unsigned d);
  bool answer_with_worker(unsigned d);
  void answer_busy(unsigned d);
  void answer_failed(unsigned d);
  void settle();
  void replace_spent();

  void add_worker();
  void start(Worker& worker);
  void tell_ready(Worker& worker, unsigned d);
  void consider_idle(Worker& worker);
  void take_over(Worker& fresh);
  void ask_release(Worker& worker);
  void after_release(Worker& worker);
  void keep(Worker& worker);
  void watch_unheld(Worker& worker);
  void stop(Worker& worker);
  void end(Worker& worker);
  void back_off(Worker& worker, const std::string& reason, Milliseconds delay);
  void pause(Worker& worker, Milliseconds delay);
  // Workers that are not on their way out, nor about to be.
  unsigned live() const;
  // Null with `offence` null: the worker has just gone.
  Worker* find(unsigned d, uint32_t number, Offence& offence);
  // For who counts and watches.
  void note_failure(const std::string& reason);
  void say(LogLevel level, const Worker& worker, std::string_view text) const;

  WorkerServices& services_;
  const config::Group* group_;
  std::unique_ptr<Retired> retired_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Worker::DispatcherSet waiting_;  // want_worker is unanswered
  Instant not_before_{};           // back-off: no start before
  std::string failure_;            // why, or why the last one failed
  Instant busy_until_{};           // no other answer than busy before
  metrics::WorkerRow& counts_;
  const uint32_t number_;
  uint32_t last_worker_ = 0;  // the number given last
  unsigned failures_ = 0;     // in a row
  // For the status, since the group is there: workers started, starts and workers that failed.
  uint32_t starts_ = 0, failed_ = 0;
  uint64_t cpu_us_ = 0;  // of workers that have ended
};

}  // namespace dmpm::master
