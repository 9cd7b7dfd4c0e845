// Time stamps of log lines: RFC 3339, UTC, milliseconds: "2026-11-23T06:18:00.123Z".
#pragma once

#include <chrono>
#include <string>

namespace dmpm {

// UTC because the logger's root directory holds no time zone files.
std::string rfc3339(std::chrono::system_clock::time_point time);

}  // namespace dmpm
