#include "proxy/master_link.h"

#include <cstdlib>

#include "base/text.h"

namespace dmpm {

using protocol::Notice;
using protocol::Request;
using protocol::RequestType;

namespace {
// Requests are tiny and the master reads them at once; more than this means that it hangs.
constexpr size_t kMaxQueued = 1024 * 1024;
}  // namespace

MasterLink::MasterLink(EventLoop& loop, Fd channel, MasterLinkOwner& owner, Log& log)
    : channel_(loop, std::move(channel), *this, kMaxQueued), owner_(owner), log_(log) {}

// ---- to the master ----

void MasterLink::send(const Request& request) {
  channel_.send({reinterpret_cast<const char*>(&request), sizeof request});
}

void MasterLink::want_worker(uint32_t group) {
  send({RequestType::want_worker, group});
}

void MasterLink::worker_idle(uint32_t group, uint32_t worker) {
  send({RequestType::worker_idle, group, worker});
}

void MasterLink::worker_released(uint32_t group, uint32_t worker) {
  send({RequestType::worker_released, group, worker});
}

void MasterLink::worker_busy(uint32_t group, uint32_t worker) {
  send({RequestType::worker_busy, group, worker});
}

void MasterLink::worker_in_use(uint32_t group, uint32_t worker) {
  send({RequestType::worker_in_use, group, worker});
}

void MasterLink::worker_spent(uint32_t group, uint32_t worker) {
  send({RequestType::worker_spent, group, worker});
}

void MasterLink::drained() {
  send({RequestType::drained});
}

// ---- from the master ----

void MasterLink::on_message(std::string_view message) {
  WireReader reader(message);
  const auto notice = static_cast<Notice>(reader.u32());
  switch (notice) {
    case Notice::group:
    case Notice::remove_group:
    case Notice::virtual_host:
    case Notice::remove_virtual_host:
    case Notice::limits:
    case Notice::access_log:
    case Notice::forget_certificate: staged_.emplace_back(message); return;
    case Notice::commit: commit(reader.u32()); break;
    case Notice::worker_ready:
    case Notice::worker_failed:
    case Notice::worker_gone:
    case Notice::release_worker: on_worker_notice(notice, reader); break;
    case Notice::drain: {
      const Milliseconds deadline(reader.u64()), idle(reader.u64());
      owner_.on_drain(deadline, idle);
      break;
    }
    default: reject_message(message);
  }
  if (!reader.complete()) reject_message(message);
}

void MasterLink::on_channel_closed(std::string_view) {
  owner_.on_master_lost();
}

void MasterLink::commit(uint32_t version) {
  for (const std::string& message : staged_) {
    WireReader reader(message);
    while (!reader.at_end()) {
      if (!apply(reader)) reject_message(message);
    }
    if (!reader.complete()) reject_message(message);
  }
  staged_ = {};
  send({RequestType::configured, 0, 0, version});
  owner_.on_configured();
}

// The next notice; false when it is none about the configuration.
bool MasterLink::apply(WireReader& reader) {
  switch (static_cast<Notice>(reader.u32())) {
    case Notice::group: set_group(reader); break;
    case Notice::remove_group: routing_->groups.remove(reader.u32()); break;
    case Notice::virtual_host: set_virtual_host(reader); break;
    case Notice::remove_virtual_host: routing_->router.remove(reader.u32()); break;
    case Notice::limits: set_limits(reader); break;
    case Notice::access_log: routing_->access_log.log_unrouted(reader.u32() != 0); break;
    case Notice::forget_certificate: routing_->certificates.forget(reader.u32()); break;
    default: return false;
  }
  return true;
}

void MasterLink::set_group(WireReader& reader) {
  const uint32_t number = reader.u32();
  forward::GroupSettings settings;
  settings.name = reader.string();
  settings.queue = reader.u32();
  settings.max_requests = reader.u32();
  settings.queue_timeout = Milliseconds(reader.u64());
  settings.idle_timeout = Milliseconds(reader.u64());
  settings.start_timeout = Milliseconds(reader.u64());
  settings.response_timeout = Milliseconds(reader.u64());
  const uint32_t flags = reader.u32();
  settings.forward_trailers = (flags & protocol::kGroupForwardsTrailers) != 0;
  settings.proxy_protocol = (flags & protocol::kGroupProxyProtocol) != 0;
  routing_->groups.set(number, std::move(settings));
}

void MasterLink::set_limits(WireReader& reader) {
  struct Decoder {
    WireReader& reader;
    void bytes(std::string_view, uint64_t& value, uint64_t, uint64_t) { value = reader.u64(); }
    void count(std::string_view, unsigned& value, uint64_t, uint64_t) {
      value = static_cast<unsigned>(reader.u64());
    }
    void duration(std::string_view, Milliseconds& value) { value = Milliseconds(reader.u64()); }
  };
  visit_client_limits(routing_->limits, Decoder{reader});
}

void MasterLink::set_virtual_host(WireReader& reader) {
  const uint32_t number = reader.u32();
  forward::VirtualHost host;
  host.group = reader.u32();
  host.certificate = reader.u32();
  host.logged = reader.u32() != 0;
  for (uint32_t count = reader.u32(); count > 0 && reader.ok(); --count) {
    host.names.emplace_back(reader.string());
  }
  routing_->router.set(number, std::move(host));
}

void MasterLink::on_worker_notice(Notice notice, WireReader& reader) {
  const uint32_t group = reader.u32();
  forward::WorkerPool* pool = routing_->groups.existing_pool(group);
  if (notice == Notice::worker_ready) {
    const uint32_t worker = reader.u32();
    const forward::WorkerShare share{reader.u32(), reader.u32(), reader.u32()};
    const std::string_view socket = reader.string();
    // A group that is kept warm has workers before its first request.
    if (pool == nullptr) pool = routing_->groups.pool(group);
    if (pool != nullptr) pool->on_worker_ready(worker, share, socket);
  } else if (notice == Notice::worker_failed) {
    const Milliseconds retry_after(reader.u64());
    const std::string_view reason = reader.string();
    if (pool != nullptr) pool->on_worker_failed(retry_after, reason);
  } else {
    const uint32_t worker = reader.u32();
    if (notice == Notice::worker_gone) {
      if (pool != nullptr) pool->on_worker_gone(worker);
    } else if (pool != nullptr) {
      pool->on_release_worker(worker);
    } else {
      worker_released(group, worker);
    }
  }
}

void MasterLink::reject_message(std::string_view message) {
  // Master and dispatcher are one build: this is a bug, and the master starts a successor.
  log_.error(concat(
      {"the master sent a malformed message of ", std::to_string(message.size()), " bytes"}));
  std::abort();
}

}  // namespace dmpm
