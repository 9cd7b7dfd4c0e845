#include "proxy/forward/worker_pool.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/socket.h"
#include "proxy/limits.h"

namespace dmpm::forward {

namespace {

// Until a worker that answers nothing is replaced: an application may take longer than one for its first
// answer, and shall not be stopped each time that it is about to give it.
constexpr int kStartTimeouts = 3;
// A request that cannot be sent again takes no connection that was idle for longer: servers end idle
// connections after whole seconds, and a new one costs a few microseconds.
constexpr Milliseconds kFreshFor{500};
// How often a pool whose worker's accept queue was full looks again.
constexpr Milliseconds kRetryConnect{100};
// How long no worker may be at ease before another one is asked for: a page's burst of requests is
// over sooner.
constexpr Milliseconds kCrowdedFor{200};

}  // namespace

WorkerPool::WorkerPool(PoolServices& services, uint32_t group, GroupSettings settings)
    : services_(services),
      group_(group),
      settings_(std::move(settings)),
      counts_(services.counts.group(settings_.name)) {}

WorkerPool::~WorkerPool() = default;

// ---- for the forwarder ----

bool WorkerPool::admit() {
  if (admitted_ >= settings_.max_requests) return false;
  ++admitted_;
  return true;
}

WorkerConnection* WorkerPool::acquire(Waiter& waiter) {
  // First come, first served: nobody passes those who wait already.
  if (waiters_.empty()) {
    if (WorkerConnection* connection = connect_or_reuse(waiter)) return connection;
  }
  if (workers_.empty() && services_.loop.now() < failed_until_) {
    waiter.on_no_worker(
        {failed_reason_, failed_until_ - services_.loop.now(), metrics::Rejection::no_worker});
    return nullptr;
  }
  if (waiting_ >= settings_.queue) {
    waiter.on_no_worker({"the queue of waiting requests is full", Milliseconds(1000),
                         metrics::Rejection::queue_full});
    return nullptr;
  }
  waiters_.push_back(waiter);
  ++waiting_;
  count_now();
  ask_for_worker();
  // Nobody tells when a full worker has room again, or when a short back-off is over.
  if (!asked_ || !workers_.empty()) look_again_in(kRetryConnect);
  return nullptr;
}

void WorkerPool::cancel(Waiter& waiter) {
  if (!waiter.linked()) return;
  waiter.unlink();
  --waiting_;
  count_now();
}

// For who looks at the numbers.
void WorkerPool::count_now() {
  counts_.in_flight.set(in_flight_);
  counts_.waiting.set(waiting_);
}

void WorkerPool::wake() {
  if (workers_.empty() && services_.loop.now() >= failed_until_) ask_for_worker();
}

void WorkerPool::ask_for_worker() {
  if (asked_ || services_.loop.now() < failed_until_) return;
  asked_ = true;
  services_.source.want_worker(group_);
}

WorkerConnection* WorkerPool::connect_or_reuse(const Waiter& waiter) {
  // A worker whose socket has gone leaves the list, so this ends.
  while (PoolWorker* worker = workers_.best()) {
    WorkerConnection* connection = take_idle(*worker, waiter);
    if (connection == nullptr && worker->connections >= worker->share.connections &&
        !worker->idle.empty()) {
      close(worker->idle.back());
    }
    const uint32_t number = worker->number;
    if (connection == nullptr) connection = connect(*worker);
    if (connection == nullptr) {
      if (workers_.find(number) == nullptr) continue;
      return nullptr;
    }
    take(*worker);
    return connection;
  }
  return nullptr;
}

// One more request for the best worker.
void WorkerPool::take(PoolWorker& worker) {
  if (!worker.at_ease() && crowded_since_ == Instant{}) {
    crowded_since_ = services_.loop.now();
    look_again_in(kCrowdedFor);
  }
  ++worker.busy;
  ++worker.served;
  worker.resting = false;
  most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
  count_now();
  if (worker.idle_reported) {
    worker.idle_reported = false;
    services_.source.worker_in_use(group_, worker.number);
  }
  if (worker.share.requests != 0 && worker.served >= worker.share.requests) spend(worker);
}

// It gets nothing more as soon as there is another.
void WorkerPool::spend(PoolWorker& worker) {
  if (std::exchange(worker.spent, true)) return;
  services_.source.worker_spent(group_, worker.number);
}

WorkerConnection* WorkerPool::take_idle(PoolWorker& worker, const Waiter& waiter) {
  if (worker.idle.empty() || waiter.reuse == Waiter::Reuse::never) return nullptr;
  // The last used one: it is the freshest, and the others may grow old and be closed.
  WorkerConnection* last =
      waiter.own == nullptr ? &worker.idle.front() : waiter.own->last(*this, worker.number);
  if (last == nullptr) return nullptr;
  const bool fresh = services_.loop.now() - last->idle_since() < kFreshFor;
  if (waiter.reuse == Waiter::Reuse::recent && !fresh) {
    if (waiter.own != nullptr) close(*last);  // the new one takes its place
    return nullptr;
  }
  last->unlink();
  last->leave_keeper();
  return last;
}

WorkerConnection* WorkerPool::connect(PoolWorker& worker) {
  if (connections_.size() >= services_.most_connections && !close_any_idle()) {
    services_.counts.hit(metrics::Cap::connections_of_group);
    return nullptr;
  }
  const auto address = SocketAddress::unix_path(worker.socket);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !address.ok()) return nullptr;  // out of descriptors: the request waits
  refuse_descriptors(fd.get());
  if (::connect(fd.get(), address.value().get(), address.value().size) != 0) {
    // EAGAIN: its accept queue is full. Anything else: it is not there any more.
    if (errno != EAGAIN && errno != EINTR) remove(worker.number);
    return nullptr;
  }
  WorkerConnectionOwner& owner = *this;
  auto connection = std::make_unique<WorkerConnection>(services_.loop, std::move(fd), owner,
                                                       worker.number, services_.worker_input);
  ++worker.connections;
  connections_.push_back(std::move(connection));
  return connections_.back().get();
}

void WorkerPool::release(WorkerConnection& connection, bool reusable, PrivateConnections* own) {
  --in_flight_;
  if (reusable && own != nullptr) own->keep(connection);  // may end another, and serve who waits
  count_now();
  PoolWorker* worker = workers_.find(connection.worker());
  if (worker != nullptr && --worker->busy == 0) {
    worker->idle_since = services_.loop.now();
    look_again_in(settings_.idle_timeout);
  }
  if (worker != nullptr && reusable) {
    worker->idle.push_front(connection);
  } else {
    close(connection);
  }
  serve_waiters();
}

void WorkerPool::note_answer(uint32_t number) {
  if (PoolWorker* worker = workers_.find(number)) worker->answered = true;
}

void WorkerPool::note_silence(uint32_t number) {
  PoolWorker* worker = workers_.find(number);
  if (worker == nullptr || worker->answered) return;
  const Milliseconds silent = services_.loop.now() - worker->ready_since;
  if (silent >= kStartTimeouts * settings_.start_timeout) spend(*worker);
}

bool WorkerPool::has_answered(uint32_t number) const {
  const PoolWorker* worker = workers_.find(number);
  return worker != nullptr && worker->answered;
}

void WorkerPool::close(WorkerConnection& connection) {
  // An event of this round may be on its way to it already.
  connection.retire();
  connection.unlink();
  if (PoolWorker* worker = workers_.find(connection.worker())) --worker->connections;
  const auto it = std::find_if(connections_.begin(), connections_.end(),
                               [&](const auto& owned) { return owned.get() == &connection; });
  services_.graveyard.bury(std::move(*it));
  *it = std::move(connections_.back());
  connections_.pop_back();
}

void WorkerPool::close_idle(PoolWorker& worker) {
  while (!worker.idle.empty()) close(worker.idle.front());
}

bool WorkerPool::close_any_idle() {
  for (auto& worker : workers_) {
    if (worker->idle.empty()) continue;
    close(worker->idle.back());
    return true;
  }
  return false;
}

void WorkerPool::on_idle_connection_lost(WorkerConnection& connection) {
  close(connection);
  serve_waiters();
}

// ---- those who wait ----

void WorkerPool::serve_waiters() {
  while (!waiters_.empty()) {
    WorkerConnection* connection = connect_or_reuse(waiters_.front());
    if (connection == nullptr) return ask_for_worker();
    --waiting_;
    count_now();
    waiters_.pop_front().on_connection(*connection);
  }
}

void WorkerPool::fail_waiters(const NoWorker& why) {
  IntrusiveList<Waiter> failed;
  failed.take(waiters_);
  while (!failed.empty()) {
    --waiting_;
    count_now();
    failed.pop_front().on_no_worker(why);
  }
}

// ---- from the master ----

void WorkerPool::on_worker_ready(uint32_t number, const WorkerShare& share,
                                 std::string_view socket) {
  asked_ = false;
  failed_until_ = {};
  if (workers_.find(number) == nullptr) {
    PoolWorker& worker = workers_.add(number);
    worker.share = share;
    worker.idle_since = worker.ready_since = services_.loop.now();
    worker.socket = std::string("/").append(socket);
  }
  crowded_since_ = {};
  serve_waiters();
  look_again_in(settings_.idle_timeout);
}

void WorkerPool::on_worker_failed(Milliseconds retry_after, std::string_view reason) {
  asked_ = false;
  failed_until_ = services_.loop.now() + retry_after;
  failed_reason_ = reason;
  // While others of the group work, those who wait get their turn there.
  if (workers_.empty()) {
    fail_waiters({failed_reason_, retry_after, metrics::Rejection::no_worker});
  } else if (!waiters_.empty()) {
    look_again_in(retry_after);
  }
}

void WorkerPool::on_worker_gone(uint32_t number) {
  remove(number);
}

void WorkerPool::remove(uint32_t number) {
  PoolWorker* worker = workers_.find(number);
  if (worker == nullptr) return;
  close_idle(*worker);
  workers_.remove(*worker);
  // "All are busy" does not hold any more.
  if (workers_.empty()) failed_until_ = {};
  if (!waiters_.empty()) ask_for_worker();
}

void WorkerPool::on_release_worker(uint32_t number) {
  const PoolWorker* worker = workers_.find(number);
  if (worker != nullptr && (worker->busy > 0 || !waiters_.empty())) {
    return services_.source.worker_busy(group_, number);
  }
  remove(number);
  services_.source.worker_released(group_, number);
}

// ---- time ----

// The earliest of all the times for which this was called; each look says when the next one is due.
void WorkerPool::look_again_in(Milliseconds delay) {
  const Instant then = services_.loop.now() + delay;
  if (linked() && next_look_ <= then) return;
  next_look_ = then;
  services_.wheel.set(*this, delay);
}

void WorkerPool::on_deadline() {
  if (!waiters_.empty()) serve_waiters();
  if (!waiters_.empty()) look_again_in(kRetryConnect);
  relieve();
  report_idle_workers();
  rest_the_newest();
}

// Asks for another worker when none has been at ease for a while.
void WorkerPool::relieve() {
  if (crowded_since_ == Instant{}) return;
  if (!workers_.crowded()) {
    crowded_since_ = {};
    return;
  }
  const Instant now = services_.loop.now();
  if (now - crowded_since_ >= kCrowdedFor) ask_for_worker();
  // The answer may be that there can be no more for now.
  look_again_in(std::max(kCrowdedFor, failed_until_ - now));
}

void WorkerPool::report_idle_workers() {
  const Instant now = services_.loop.now();
  for (auto& worker : workers_) {
    if (worker->idle_reported || worker->busy > 0) continue;
    const Milliseconds left = worker->idle_since + settings_.idle_timeout - now;
    if (left.count() > 0) {
      look_again_in(left);
      continue;
    }
    worker->idle_reported = true;
    services_.source.worker_idle(group_, worker->number);
  }
}

// Looks back once in idle_timeout.
void WorkerPool::rest_the_newest() {
  const Instant now = services_.loop.now();
  if (workers_.size() < 2) return;
  if (now < next_review_) return look_again_in(next_review_ - now);
  const size_t most = std::exchange(most_in_flight_, in_flight_);
  const bool first = next_review_ == Instant{};
  next_review_ = now + settings_.idle_timeout;
  look_again_in(settings_.idle_timeout);
  if (first) return;
  if (PoolWorker* newest = workers_.one_too_many(most)) newest->resting = true;
}

}  // namespace dmpm::forward
