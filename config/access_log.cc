#include "config/configuration.h"

namespace dmpm::config {

namespace {

// Of a virtual host, by its first name: no two make the same. ':' stands in IPv6 addresses only.
std::string file_of(std::string_view name) {
  constexpr std::string_view kSuffix = ".log";
  constexpr size_t kLongest = 255;  // of a file's name
  std::string file;
  for (const char c : name) {
    if (c != '[' && c != ']') file += c == '*' ? '@' : c;
  }
  if (file.size() + kSuffix.size() <= kLongest) file += kSuffix;
  return file;
}

}  // namespace

HostLog log_of(const VirtualHost& host, const AccessLog& main) {
  HostLog log;
  if (host.access_log && host.access_log->off) return log;
  log.in_common = !main.file.empty();
  if (!host.access_log && !main.per_virtual_host) return log;
  const HostAccessLog own = host.access_log ? *host.access_log : HostAccessLog{};
  log.file = own.file.empty() ? file_of(host.names.front()) : own.file;
  log.format = own.format.empty() ? main.format : own.format;
  return log;
}

}  // namespace dmpm::config
