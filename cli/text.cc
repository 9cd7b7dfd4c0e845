#include "cli/text.h"

#include <array>
#include <cstdio>

#include "base/printable.h"
#include "base/text.h"

namespace dmpm::cli {

std::string printable(std::string_view text) {
  std::string out;
  append_printable(out, text);
  return out;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    const size_t size = printable_size(text);
    char code[8];
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[0];
    } else if (byte < 0x20 || byte == 0x7f) {
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else if (size > 0) {
      out += text.substr(0, size);
    } else {
      std::snprintf(code, sizeof code, "\\\\x%02x", byte);
      out += code;
    }
    text.remove_prefix(size > 0 ? size : 1);
  }
  out += '"';
  return out;
}

std::string duration(uint64_t ms) {
  const auto two = [](uint64_t large, char unit, uint64_t small, char next) {
    return concat({std::to_string(large), {&unit, 1}, std::to_string(small), {&next, 1}});
  };
  const uint64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;
  if (seconds < 60) return concat({std::to_string(seconds), "s"});
  if (minutes < 60) return two(minutes, 'm', seconds % 60, 's');
  if (hours < 24) return two(hours, 'h', minutes % 60, 'm');
  return two(hours / 24, 'd', hours % 24, 'h');
}

std::string size(uint64_t bytes) {
  static constexpr std::array kUnits{'K', 'M', 'G', 'T', 'P'};
  if (bytes == 0) return "0";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // What would be rounded to "1024" is one of the next.
  for (; value >= 1023.5 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit > 0 && value < 9.95 ? "%.1f%c" : "%.0f%c", value,
                kUnits[unit]);
  return text;
}

std::string processor_time(uint64_t ms) {
  if (ms >= 10'000) return duration(ms);
  char text[32];
  std::snprintf(text, sizeof text, "%.2fs", static_cast<double>(ms) / 1000);
  return text;
}

std::string count(uint64_t number, std::string_view noun) {
  return concat({std::to_string(number), " ", noun, number == 1 ? "" : "s"});
}

}  // namespace dmpm::cli
