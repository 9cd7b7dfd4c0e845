#include "logger/line_splitter.h"

#include <algorithm>

#include "logger/limits.h"

namespace dmpm {

using logger_limits::kMaxLine;

namespace {
// Where to cut a line that is too long: not inside a UTF-8 character, if it is UTF-8 at all.
size_t cut_point(std::string_view line) {
  for (size_t back = 0; back < 4; ++back) {
    const auto byte = static_cast<unsigned char>(line[kMaxLine - back]);
    if ((byte & 0xc0) != 0x80) return kMaxLine - back;
  }
  return kMaxLine;
}
}  // namespace

void LineSplitter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const bool ends = newline != std::string_view::npos;
    const std::string_view part = bytes.substr(0, newline);
    bytes.remove_prefix(ends ? newline + 1 : bytes.size());
    if (ends && partial_.empty() && part.size() <= kMaxLine) {
      sink_.on_line(part, continued_);  // the usual case: no copy
    } else {
      keep(part);
      if (ends) sink_.on_line(partial_.view(), continued_);
      if (ends) partial_.clear();
    }
    if (ends) continued_ = false;
  }
}

void LineSplitter::keep(std::string_view part) {
  while (!part.empty()) {
    const size_t size = std::min(part.size(), kMaxLine + 1 - partial_.size());
    partial_.append(part.substr(0, size));
    part.remove_prefix(size);
    if (partial_.size() <= kMaxLine) return;
    const size_t cut = cut_point(partial_.view());
    sink_.on_line(partial_.view().substr(0, cut), continued_);
    partial_.consume(cut);
    continued_ = true;
  }
}

void LineSplitter::finish() {
  if (!partial_.empty()) sink_.on_line(partial_.view(), continued_);
  partial_.clear();
  continued_ = false;
}

}  // namespace dmpm
