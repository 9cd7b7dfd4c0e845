// What the dispatcher and the master say to each other over kMasterChannel.
//
//   dispatcher -> master   Request: a struct of fixed size that names things by number. The table
//                          in master/dispatcher_peer.cc says which request is allowed when;
//                          anything else ends the dispatcher. What it says is gossip: the master
//                          checks it against its own book and never against the dispatcher's word.
//   master -> dispatcher   a Notice number (u32), then its fields in base/wire.h encoding. Trusted.
//
// Groups, virtual hosts and certificates have numbers that the master gives and never uses twice
// while it runs. A worker has a number within its group, used once.
#pragma once

#include <cstdint>

namespace dmpm::protocol {

enum class RequestType : uint32_t {
  // The configuration up to Notice::commit is in force. argument: its version. Once for each
  // commit.
  configured = 1,
  // Requests wait for `group`, which has no worker that could take them, or all of its workers have
  // more than the requests_at_once that they were announced with. The answer is worker_ready or
  // worker_failed; until it is there, asking again is an offence.
  want_worker = 2,
  // `worker` has served nothing for the group's idle_timeout, or is not needed for what there is to
  // do. May be answered by release_worker, at once or much later.
  worker_idle = 3,
  // Answers release_worker: this dispatcher has closed every connection to `worker` and opens none.
  worker_released = 4,
  // Answers release_worker: there is a request in flight after all; the worker stays in use.
  worker_busy = 5,
  // `worker`, which was called idle, has a request again.
  worker_in_use = 8,
  // `worker` has served its requests_per_worker: it is to be replaced. May be answered by
  // release_worker once another one is there.
  worker_spent = 9,
  // Answers drain: no connection is left; the dispatcher is about to exit.
  drained = 7,
};

struct Request {
  RequestType type;
  uint32_t group = 0;
  uint32_t worker = 0;
  uint32_t argument = 0;
};
static_assert(sizeof(Request) == 16);

enum class Notice : uint32_t {
  // ---- the first message ----
  // u32 dispatcher number, string root directory, u32 uid, u32 gid, u32 count of the listeners
  // that it inherits, and for each: u32 flags (ListenerFlags). The dispatcher locks itself down with these.
  welcome = 1,

  // ---- configuration: any number of these, in force together at commit; but for commit, any number
  // in one message, one after the other ----
  // u32 group, string name, u32 queue, u32 max_requests, u64 queue_timeout ms, u64 idle_timeout ms,
  // u64 start_timeout ms, u64 response_timeout ms, u32 flags (GroupFlags). New or changed.
  group = 10,
  // u32 group. Its requests in flight are finished.
  remove_group = 11,
  // u32 virtual host, u32 group (kNoGroup: answer 503, its site file is broken),
  // u32 certificate (kNoCertificate: none), u32 logged (its exchanges are told to the access log),
  // u32 count, then as many strings: names as in config::VirtualHost. New or changed.
  virtual_host = 12,
  // u32 virtual host.
  remove_virtual_host = 13,
  // u32 certificate: its files changed. What was loaded of it is forgotten.
  forget_certificate = 14,
  // A u64 for each of visit_client_limits(), in its order; durations in ms.
  limits = 16,
  // u32 logged: exchanges of no virtual host are told to the access log.
  access_log = 17,
  // u32 version.
  commit = 15,

  // ---- workers ----
  // u32 group, u32 worker, u32 capacity (connections this dispatcher may open), u32 requests at once
  // (of this dispatcher, that leave it at ease), u32 requests (that this dispatcher may send before it
  // is spent; 0: any number), string socket name (relative to the dispatcher's root). Connections can
  // be made at once. Also comes unasked, for a worker that takes over from a spent one.
  worker_ready = 20,
  // u32 group, u64 retry after ms, string reason. Until then want_worker is not answered sooner;
  // requests that wait get 503.
  worker_failed = 21,
  // u32 group, u32 worker. Its process has gone; connections to it break by themselves.
  worker_gone = 22,
  // u32 group, u32 worker. Answered by worker_released or worker_busy.
  release_worker = 23,

  // ---- end ----
  // u64 deadline ms, u64 idle ms. Accept nothing more, finish what is in flight, then say drained and
  // exit. A connection that waits for its next request is given `idle` for it.
  drain = 40,
};

inline constexpr uint32_t kNoGroup = 0xffffffff;
inline constexpr uint32_t kNoCertificate = 0xffffffff;

enum GroupFlags : uint32_t {
  kGroupForwardsTrailers = 1,
  kGroupProxyProtocol = 2,  // its workers' connections begin with a PROXY header
};

enum ListenerFlags : uint32_t {
  kListenerTls = 1,
  kListenerRedirect = 2,  // answer with a redirect to https
};

}  // namespace dmpm::protocol
