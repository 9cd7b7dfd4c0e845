#include "proxy/forward/worker_pool.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/socket.h"
#include "proxy/limits.h"

namespace dmpm::forward {

namespace {

// A request that cannot be sent again takes no connection that was idle for longer: servers end idle
// connections after whole seconds, and a new one costs a few microseconds.
constexpr Milliseconds kFreshFor{500};
// How often a pool whose worker's accept queue was full looks again.
constexpr Milliseconds kRetryConnect{100};

}  // namespace

WorkerPool::WorkerPool(PoolServices& services, uint32_t group, GroupSettings settings)
    : services_(services), group_(group), settings_(std::move(settings)) {}

WorkerPool::~WorkerPool() = default;

WorkerPool::Worker* WorkerPool::find(uint32_t number) {
  for (auto& worker : workers_) {
    if (worker->number == number) return worker.get();
  }
  return nullptr;
}

const WorkerPool::Worker* WorkerPool::find(uint32_t number) const {
  return const_cast<WorkerPool*>(this)->find(number);
}

// ---- for the forwarder ----

WorkerConnection* WorkerPool::acquire(Waiter& waiter) {
  // First come, first served: nobody passes those who wait already.
  if (waiters_.empty()) {
    if (WorkerConnection* connection = connect_or_reuse(waiter.reuse)) return connection;
  }
  if (workers_.empty() && services_.loop.now() < failed_until_) {
    waiter.on_no_worker({failed_reason_, failed_until_ - services_.loop.now()});
    return nullptr;
  }
  if (waiting_ >= settings_.queue) {
    waiter.on_no_worker({"the queue of waiting requests is full", Milliseconds(1000)});
    return nullptr;
  }
  waiters_.push_back(waiter);
  ++waiting_;
  ask_for_worker();
  // Nobody tells when a full worker has room again, or when a short back-off is over.
  if (!asked_ || !workers_.empty()) services_.wheel.set(*this, kRetryConnect);
  return nullptr;
}

void WorkerPool::cancel(Waiter& waiter) {
  if (!waiter.linked()) return;
  waiter.unlink();
  --waiting_;
}

void WorkerPool::wake() {
  if (workers_.empty() && services_.loop.now() >= failed_until_) ask_for_worker();
}

void WorkerPool::ask_for_worker() {
  if (asked_ || services_.loop.now() < failed_until_) return;
  asked_ = true;
  services_.source.want_worker(group_);
}

WorkerConnection* WorkerPool::connect_or_reuse(Waiter::Reuse reuse) {
  // A worker whose socket has gone leaves the list, so this ends.
  while (Worker* worker = least_busy()) {
    WorkerConnection* connection = take_idle(*worker, reuse);
    if (connection == nullptr && worker->connections >= worker->capacity && !worker->idle.empty()) {
      close_idle(*worker);
    }
    const uint32_t number = worker->number;
    if (connection == nullptr) connection = connect(*worker);
    if (connection == nullptr) {
      if (find(number) == nullptr) continue;
      return nullptr;
    }
    ++in_flight_;
    ++worker->busy;
    worker->idle_reported = false;
    return connection;
  }
  return nullptr;
}

WorkerPool::Worker* WorkerPool::least_busy() {
  Worker* best = nullptr;
  for (auto& worker : workers_) {
    if (worker->busy >= worker->capacity) continue;
    if (best == nullptr || worker->busy < best->busy) best = worker.get();
  }
  return best;
}

WorkerConnection* WorkerPool::take_idle(Worker& worker, Waiter::Reuse reuse) {
  if (worker.idle.empty() || reuse == Waiter::Reuse::never) return nullptr;
  // The last used one: it is the freshest, and the others may grow old and be closed.
  const bool fresh = services_.loop.now() - worker.idle.front().idle_since() < kFreshFor;
  if (reuse == Waiter::Reuse::recent && !fresh) return nullptr;
  return &worker.idle.pop_front();
}

WorkerConnection* WorkerPool::connect(Worker& worker) {
  const auto address = SocketAddress::unix_path(worker.socket);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !address.ok()) return nullptr;  // out of descriptors: the request waits
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

void WorkerPool::release(WorkerConnection& connection, bool reusable) {
  --in_flight_;
  Worker* worker = find(connection.worker());
  if (worker != nullptr) --worker->busy;
  if (worker != nullptr && reusable) {
    worker->idle.push_front(connection);
  } else {
    close(connection);
  }
  serve_waiters();
  if (quiet()) services_.wheel.set(*this, settings_.idle_timeout);
}

void WorkerPool::note_answer(uint32_t number) {
  if (Worker* worker = find(number)) worker->answered = true;
}

bool WorkerPool::has_answered(uint32_t number) const {
  const Worker* worker = find(number);
  return worker != nullptr && worker->answered;
}

void WorkerPool::close(WorkerConnection& connection) {
  // An event of this round may be on its way to it already.
  connection.retire();
  connection.unlink();
  if (Worker* worker = find(connection.worker())) --worker->connections;
  const auto it = std::find_if(connections_.begin(), connections_.end(),
                               [&](const auto& owned) { return owned.get() == &connection; });
  services_.graveyard.bury(std::move(*it));
  *it = std::move(connections_.back());
  connections_.pop_back();
}

void WorkerPool::close_idle(Worker& worker) {
  while (!worker.idle.empty()) close(worker.idle.front());
}

void WorkerPool::on_idle_connection_lost(WorkerConnection& connection) {
  close(connection);
  serve_waiters();
}

// ---- those who wait ----

void WorkerPool::serve_waiters() {
  while (!waiters_.empty()) {
    WorkerConnection* connection = connect_or_reuse(waiters_.front().reuse);
    if (connection == nullptr) return ask_for_worker();
    --waiting_;
    waiters_.pop_front().on_connection(*connection);
  }
}

void WorkerPool::fail_waiters(const NoWorker& why) {
  IntrusiveList<Waiter> failed;
  failed.take(waiters_);
  while (!failed.empty()) {
    --waiting_;
    failed.pop_front().on_no_worker(why);
  }
}

// ---- from the master ----

void WorkerPool::on_worker_ready(uint32_t number, uint32_t capacity, std::string_view socket) {
  asked_ = false;
  failed_until_ = {};
  if (find(number) == nullptr) {
    auto worker = std::make_unique<Worker>();
    worker->number = number;
    worker->capacity = capacity;
    worker->socket = std::string("/").append(socket);
    workers_.push_back(std::move(worker));
  }
  serve_waiters();
  if (quiet()) services_.wheel.set(*this, settings_.idle_timeout);
}

void WorkerPool::on_worker_failed(Milliseconds retry_after, std::string_view reason) {
  asked_ = false;
  failed_until_ = services_.loop.now() + retry_after;
  failed_reason_ = reason;
  // While others of the group work, those who wait get their turn there.
  if (workers_.empty()) {
    fail_waiters({failed_reason_, retry_after});
  } else if (!waiters_.empty()) {
    services_.wheel.set(*this, std::min(retry_after, settings_.idle_timeout));
  }
}

void WorkerPool::on_worker_gone(uint32_t number) {
  remove(number);
}

void WorkerPool::remove(uint32_t number) {
  const auto it = std::find_if(workers_.begin(), workers_.end(),
                               [&](const auto& worker) { return worker->number == number; });
  if (it == workers_.end()) return;
  close_idle(**it);
  workers_.erase(it);
  // "All are busy" does not hold any more.
  if (workers_.empty()) failed_until_ = {};
  if (!waiters_.empty()) ask_for_worker();
}

void WorkerPool::on_release_worker(uint32_t number) {
  const Worker* worker = find(number);
  if (worker != nullptr && (worker->busy > 0 || !waiters_.empty())) {
    return services_.source.worker_busy(group_, number);
  }
  remove(number);
  services_.source.worker_released(group_, number);
}

// ---- time ----

void WorkerPool::on_deadline() {
  if (!waiters_.empty()) {
    serve_waiters();
    if (!waiters_.empty()) services_.wheel.set(*this, kRetryConnect);
    return;
  }
  if (quiet()) report_idle_workers();
}

void WorkerPool::report_idle_workers() {
  for (auto& worker : workers_) {
    if (worker->idle_reported) continue;
    worker->idle_reported = true;
    services_.source.worker_idle(group_, worker->number);
  }
}

}  // namespace dmpm::forward
