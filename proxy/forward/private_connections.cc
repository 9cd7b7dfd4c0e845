#include "proxy/forward/private_connections.h"

#include <algorithm>
#include <utility>

#include "proxy/forward/worker_connection.h"
#include "proxy/limits.h"

namespace dmpm::forward {

PrivateConnections::PrivateConnections(Arrival arrival) : arrival_(std::move(arrival)) {}

void PrivateConnections::end_all() {
  while (!idle_.empty()) idle_.back()->end_idle();
}

WorkerConnection* PrivateConnections::last(const WorkerConnectionOwner& pool,
                                           uint32_t worker) const {
  const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto* connection) {
    return connection->is_of(pool) && connection->worker() == worker;
  });
  return found == idle_.rend() ? nullptr : *found;
}

void PrivateConnections::keep(WorkerConnection& connection) {
  if (idle_.size() >= limits::kMaxPrivateConnections) idle_.front()->end_idle();
  connection.set_keeper(this);
  idle_.push_back(&connection);
}

void PrivateConnections::forget(const WorkerConnection& connection) {
  std::erase(idle_, &connection);
}

}  // namespace dmpm::forward
