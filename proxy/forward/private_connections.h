// PrivateConnections: the idle connections to workers that are one client connection's, because they
// began with a PROXY header that names it. They serve this client's next requests, on any of its
// streams, and end with it; the pools may end them before.
//
// Made when a client first asks a group whose workers want that header; others have none.
#pragma once

#include <cstdint>
#include <vector>

#include "proxy/forward/proxy_header.h"

namespace dmpm::forward {

class WorkerConnection;
class WorkerConnectionOwner;

class PrivateConnections {
 public:
  explicit PrivateConnections(Arrival arrival);
  PrivateConnections(const PrivateConnections&) = delete;
  PrivateConnections& operator=(const PrivateConnections&) = delete;
  // The client's exchanges are over.
  ~PrivateConnections() { end_all(); }

  const Arrival& arrival() const { return arrival_; }
  // The last used one of those to `worker` of `pool`'s; null: none.
  WorkerConnection* last(const WorkerConnectionOwner& pool, uint32_t worker) const;
  // `connection` is about to become idle. Beyond limits::kMaxPrivateConnections the one that has been
  // idle for the longest is ended.
  void keep(WorkerConnection& connection);
  // It is in use again, or has ended.
  void forget(const WorkerConnection& connection);
  // The client will ask for nothing more.
  void end_all();

 private:
  Arrival arrival_;
  std::vector<WorkerConnection*> idle_;  // the last used one last
};

}  // namespace dmpm::forward
