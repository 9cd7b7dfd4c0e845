// WorkerPool: one group's workers as the dispatcher knows them, its connections to them, and the
// requests that wait for one. Connections never leave their group (invariant 5); where workers get the
// PROXY protocol, nor the client's connection for which they were made (private_connections.h).
//
//   asleep --acquire: want_worker--> starting --worker_ready--> awake --release_worker--> asleep
//                        ^               |
//                        |         worker_failed: waiting requests fail; for `retry after`, new ones
//                        +---------------+      fail at once with the same reason
//
// Requests go to the worker that has the fewest, as long as each has no more than it is at ease with
// (`at_once`). When all have more for a while, another one is asked for. When fewer workers would do
// for a whole idle_timeout, the newest one rests: it gets nothing as long as the others are at ease,
// becomes idle and goes. One that has served its `requests` is spent: a fresh one takes over.
//
// All connections are made to the sockets that the master named; nothing is connected in advance.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/graveyard.h"
#include "base/intrusive_list.h"
#include "proxy/allowance.h"
#include "proxy/counts.h"
#include "proxy/forward/pool_workers.h"
#include "proxy/forward/private_connections.h"
#include "proxy/forward/worker_connection.h"

namespace dmpm::forward {

struct GroupSettings {
  std::string name;
  size_t queue = 0;
  size_t max_requests = std::numeric_limits<size_t>::max();
  bool forward_trailers = false;
  bool proxy_protocol = false;  // each connection begins with its client's PROXY header
  Milliseconds queue_timeout{}, idle_timeout{}, start_timeout{}, response_timeout{};
};

// What a pool may ask of the master (master/protocol.h).
class WorkerSource {
 public:
  virtual void want_worker(uint32_t group) = 0;
  virtual void worker_idle(uint32_t group, uint32_t worker) = 0;
  virtual void worker_released(uint32_t group, uint32_t worker) = 0;
  virtual void worker_busy(uint32_t group, uint32_t worker) = 0;
  virtual void worker_in_use(uint32_t group, uint32_t worker) = 0;
  virtual void worker_spent(uint32_t group, uint32_t worker) = 0;

 protected:
  ~WorkerSource() = default;
};

struct NoWorker {
  std::string_view reason;  // valid during the call
  Milliseconds retry_after;
  metrics::Rejection why;
};

// A request that waits for a connection.
class Waiter : public ListNode<Waiter> {
 public:
  // Which connections it can do with: a worker may have ended an idle one without our knowing yet.
  enum class Reuse : uint8_t {
    any,     // it can be sent again
    recent,  // it cannot: only one that was in use just now
    never,   // it has been sent again already
  };
  Reuse reuse = Reuse::recent;
  // With GroupSettings::proxy_protocol: the client's, of which alone idle ones are reused.
  PrivateConnections* own = nullptr;

  virtual void on_connection(WorkerConnection& connection) = 0;
  virtual void on_no_worker(const NoWorker& why) = 0;

 protected:
  ~Waiter() = default;
};

struct PoolServices {
  EventLoop& loop;
  DeadlineWheel& wheel;
  Graveyard& graveyard;
  WorkerSource& source;
  Counts& counts;
  std::span<char> worker_input;  // limits::kReadSize bytes, for the time of one read
  // Of one group, so that a flood there leaves descriptors for the others.
  size_t most_connections = std::numeric_limits<size_t>::max();
};

class WorkerPool final : private WorkerConnectionOwner, private Deadline {
 public:
  WorkerPool(PoolServices& services, uint32_t group, GroupSettings settings);
  ~WorkerPool();

  uint32_t group() const { return group_; }
  const GroupSettings& settings() const { return settings_; }
  void change_settings(GroupSettings settings) { settings_ = std::move(settings); }
  metrics::GroupRow& counts() const { return counts_; }

  // ---- for the forwarder ----
  // Counts a request for this group, until dismiss(); false: it has as many as it may have.
  bool admit();
  void dismiss() { --admitted_; }
  // Work was done for this group.
  void charge(unsigned work) { allowance_.charge(services_.loop.now(), work); }
  // It has taken more of this dispatcher than its part: its visitors wait for those of others.
  bool overdrawn() { return allowance_.overdrawn(services_.loop.now()); }
  // A connection at once, or null: then `waiter` is queued, or has been told on_no_worker already.
  WorkerConnection* acquire(Waiter& waiter);
  // Takes a waiter out of the queue; nothing happens when it is not in it.
  void cancel(Waiter& waiter);
  // Begins to start a worker, for a request that will need one soon.
  void wake();
  // Takes back what acquire() or on_connection() gave. `reusable`: its exchange ended cleanly. `own`:
  // as that of the waiter.
  void release(WorkerConnection& connection, bool reusable, PrivateConnections* own = nullptr);
  // The worker has answered something since its start.
  void note_answer(uint32_t worker);
  bool has_answered(uint32_t worker) const;
  // A request to the worker was given up after start_timeout without an answer. When it has answered nothing
  // for a multiple of that, a fresh one takes over: it may hang in its start for ever.
  void note_silence(uint32_t worker);

  // ---- from the master ----
  void on_worker_ready(uint32_t worker, const WorkerShare& share, std::string_view socket);
  void on_worker_failed(Milliseconds retry_after, std::string_view reason);
  void on_worker_gone(uint32_t worker);
  void on_release_worker(uint32_t worker);

  // Nothing in flight, nobody waiting and no request about to.
  bool quiet() const { return in_flight_ == 0 && waiters_.empty() && admitted_ == 0; }

 private:
  void on_idle_connection_lost(WorkerConnection& connection) override;
  void on_deadline() override;

  WorkerConnection* connect_or_reuse(const Waiter& waiter);
  void take(PoolWorker& worker);
  void spend(PoolWorker& worker);
  WorkerConnection* take_idle(PoolWorker& worker, const Waiter& waiter);
  WorkerConnection* connect(PoolWorker& worker);
  void close(WorkerConnection& connection);
  void close_idle(PoolWorker& worker);
  void remove(uint32_t number);
  void count_now();
  void serve_waiters();
  void fail_waiters(const NoWorker& why);
  void ask_for_worker();
  bool close_any_idle();
  void look_again_in(Milliseconds delay);
  void relieve();
  void report_idle_workers();
  void rest_the_newest();

  PoolServices& services_;
  const uint32_t group_;
  GroupSettings settings_;
  metrics::GroupRow& counts_;
  // Of all its visitors together, however many there are.
  Allowance<333> allowance_;
  PoolWorkers workers_;
  std::vector<std::unique_ptr<WorkerConnection>> connections_;
  IntrusiveList<Waiter> waiters_;
  size_t waiting_ = 0;
  size_t in_flight_ = 0;
  size_t admitted_ = 0;
  size_t most_in_flight_ = 0;  // since the last review
  Instant next_look_{};        // when on_deadline() is due
  Instant crowded_since_{};    // no worker was at ease then, nor since as far as was looked
  Instant next_review_{};      // whether fewer workers would do
  bool asked_ = false;         // want_worker is unanswered
  Instant failed_until_{};
  std::string failed_reason_;
};

}  // namespace dmpm::forward
