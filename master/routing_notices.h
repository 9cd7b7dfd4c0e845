// The notices about the configuration, encoded (master/protocol.h).
#pragma once

#include <cstdint>
#include <string>

#include "config/configuration.h"

namespace dmpm::master {

std::string group_notice(uint32_t number, const config::Group& group);
std::string limits_notice(const ClientLimits& limits);
std::string access_log_notice(const config::AccessLog& log);
// `group`, `certificate`: their numbers, or kNoGroup, kNoCertificate. `logged`: a log is written of it.
std::string host_notice(uint32_t number, uint32_t group, uint32_t certificate, bool logged,
                        const config::VirtualHost& host);

}  // namespace dmpm::master
