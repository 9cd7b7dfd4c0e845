#include "master/routing_notices.h"

#include "master/notices.h"

namespace dmpm::master {

using config::Group;
using config::VirtualHost;
using protocol::Notice;

namespace {

uint64_t ms(Milliseconds time) {
  return static_cast<uint64_t>(time.count());
}

uint32_t flags_of(const Group& group) {
  return (group.forward_trailers ? protocol::kGroupForwardsTrailers : 0U) |
         (group.worker.proxy_protocol ? protocol::kGroupProxyProtocol : 0U);
}

}  // namespace

std::string group_notice(uint32_t number, const Group& group) {
  return notice(Notice::group)
      .u32(number)
      .string(group.name)
      .u32(group.scale.queue)
      .u32(group.scale.max_requests)
      .u64(ms(group.scale.queue_timeout))
      .u64(ms(group.scale.idle_timeout))
      .u64(ms(group.scale.start_timeout))
      .u64(ms(group.scale.response_timeout))
      .u32(flags_of(group))
      .take();
}

std::string limits_notice(const ClientLimits& limits) {
  struct Encoder {
    WireWriter writer = notice(Notice::limits);
    void bytes(std::string_view, uint64_t value, uint64_t, uint64_t) { writer.u64(value); }
    void count(std::string_view, unsigned value, uint64_t, uint64_t) { writer.u64(value); }
    void duration(std::string_view, Milliseconds value) { writer.u64(ms(value)); }
  } encoder;
  visit_client_limits(limits, encoder);
  return encoder.writer.take();
}

std::string access_log_notice(const config::AccessLog& log) {
  return notice(Notice::access_log).u32(log.file.empty() ? 0 : 1).take();
}

std::string host_notice(uint32_t number, uint32_t group, uint32_t certificate, bool logged,
                        const VirtualHost& host) {
  WireWriter writer = notice(Notice::virtual_host);
  writer.u32(number).u32(group).u32(certificate).u32(logged ? 1 : 0);
  writer.u32(static_cast<uint32_t>(host.names.size()));
  for (const std::string& name : host.names) writer.string(name);
  return writer.take();
}

}  // namespace dmpm::master
