#include "master/access_log_notices.h"

#include "base/wire.h"
#include "logger/protocol.h"
#include "master/limits.h"

namespace dmpm::master {

using logger_protocol::LoggerNotice;

void HostLogNotices::set_common(const config::AccessLog& log) {
  kind_ = static_cast<uint32_t>(LoggerNotice::access_log);
  messages_.push_back(WireWriter().u32(kind_).string(log.file).string(log.format).take());
}

// Makes the last message one of this kind with room in it.
void HostLogNotices::begin(uint32_t kind) {
  if (kind_ == kind && messages_.back().size() < kHostLogsMessage) return;
  kind_ = kind;
  messages_.push_back(WireWriter().u32(kind).take());
}

void HostLogNotices::add(uint32_t number, const config::VirtualHost& host,
                         const config::AccessLog& main) {
  begin(static_cast<uint32_t>(LoggerNotice::host_logs));
  const config::HostLog log = config::log_of(host, main);
  messages_.back() += WireWriter()
                          .u32(number)
                          .string(host.names.front())
                          .string(host.group)
                          .u32(log.in_common ? 1 : 0)
                          .string(log.file)
                          .string(log.format)
                          .take();
}

void HostLogNotices::remove(uint32_t number) {
  begin(static_cast<uint32_t>(LoggerNotice::remove_host_logs));
  messages_.back() += WireWriter().u32(number).take();
}

std::vector<std::string> HostLogNotices::take() {
  kind_ = 0;
  return std::exchange(messages_, {});
}

}  // namespace dmpm::master
