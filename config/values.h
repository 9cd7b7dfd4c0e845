// The small values of the format: text -> value, or nothing when the text is not one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/configuration.h"

namespace dmpm::config {

// Words for messages: '"key" must be ...'.
inline constexpr std::string_view kDurationExpected =
    "a duration of 1ms to 720h such as \"60s\", \"500ms\", \"2m\" or \"1h\"";
inline constexpr std::string_view kSizeExpected =
    "a number of bytes such as \"64K\", \"512M\" or \"2G\", or \"unlimited\"";
inline constexpr std::string_view kUmaskExpected = "three octal digits such as \"027\"";

std::optional<Milliseconds> parse_duration(std::string_view text);
// Bytes; K, M, G and T are powers of 1024.
std::optional<uint64_t> parse_size(std::string_view text);
std::optional<mode_t> parse_umask(std::string_view text);
// What is_absolute_path() misses in `found`.
std::string_view expected_path(std::optional<std::string_view> found);
bool is_absolute_path(std::string_view text);
bool is_group_name(std::string_view text);
bool is_environment_name(std::string_view text);

}  // namespace dmpm::config
