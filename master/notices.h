// The short notices, encoded (master/protocol.h). Those that say what is configured are
// routing_notices.h's.
#pragma once

#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "base/wire.h"
#include "master/protocol.h"

namespace dmpm::master {

inline WireWriter notice(protocol::Notice kind) {
  WireWriter writer;
  writer.u32(static_cast<uint32_t>(kind));
  return writer;
}

inline std::string commit(uint32_t version) {
  return notice(protocol::Notice::commit).u32(version).take();
}

inline std::string forget_certificate(uint32_t number) {
  return notice(protocol::Notice::forget_certificate).u32(number).take();
}

inline std::string worker_ready(uint32_t group, uint32_t worker, uint32_t capacity,
                                uint32_t at_once, uint32_t requests, std::string_view socket_name) {
  return notice(protocol::Notice::worker_ready)
      .u32(group)
      .u32(worker)
      .u32(capacity)
      .u32(at_once)
      .u32(requests)
      .string(socket_name)
      .take();
}

inline std::string worker_failed(uint32_t group, Milliseconds retry_after,
                                 std::string_view reason) {
  return notice(protocol::Notice::worker_failed)
      .u32(group)
      .u64(static_cast<uint64_t>(retry_after.count()))
      .string(reason)
      .take();
}

inline std::string worker_gone(uint32_t group, uint32_t worker) {
  return notice(protocol::Notice::worker_gone).u32(group).u32(worker).take();
}

inline std::string release_worker(uint32_t group, uint32_t worker) {
  return notice(protocol::Notice::release_worker).u32(group).u32(worker).take();
}

inline std::string drain(Milliseconds deadline, Milliseconds idle) {
  return notice(protocol::Notice::drain)
      .u64(static_cast<uint64_t>(deadline.count()))
      .u64(static_cast<uint64_t>(idle.count()))
      .take();
}

}  // namespace dmpm::master
