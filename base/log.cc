#include "base/log.h"

#include <sys/uio.h>

#include <algorithm>

#include "base/text.h"

namespace dmpm {

namespace {
constexpr size_t kMaxLine = 8 * 1024;  // a longer text is cut: a line must fit one message
}

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "error";
}

bool DescriptorSink::write(LogLevel, std::string_view line) {
  char newline = '\n';
  iovec parts[2] = {{const_cast<char*>(line.data()), line.size()}, {&newline, 1}};
  return ::writev(fd_, parts, 2) == static_cast<ssize_t>(line.size() + 1);
}

void Log::write(LogLevel level, std::string_view text) {
  if (level < least_) return;
  std::string line = concat({to_string(level), " ", process_, ": "});
  for (char c : text.substr(0, kMaxLine)) {
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  if (!sink_->write(level, line)) ++dropped_;
}

}  // namespace dmpm
