// LogFile: one of the logger's files, to be searched. Its lines begin with their time and are in order.
//
// The directory is the logger's: what lies there is opened without following links, and only regular
// files are read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace dmpm::cli {

// Milliseconds since 1970, of "2026-11-25T13:18:33.042Z" at the start of a line.
std::optional<int64_t> time_of(std::string_view line);

class LogFile {
 public:
  // Of `path` below the log directory.
  static Result<LogFile> open(const std::string& directory, const std::string& path);

  // The last line that holds `needle` (not empty).
  std::optional<std::string> last_line_with(std::string_view needle) const;
  // Lines of that time that `wanted` takes: the last `most` of them.
  std::vector<std::string> between(int64_t from, int64_t until,
                                   const std::function<bool(std::string_view)>& wanted,
                                   size_t most) const;

  // Names in `directory` of a log and of what logrotate made of it, the newest first; and those of
  // them that are compressed, which cannot be searched here.
  struct Names {
    std::vector<std::string> plain, compressed;
  };
  static Names of_log(const std::string& directory, const std::string& name);

 private:
  LogFile(Fd fd, uint64_t size) : fd_(std::move(fd)), size_(size) {}
  // At most `size` bytes from there on.
  std::string read(uint64_t offset, size_t size) const;
  std::string line_at(uint64_t offset) const;
  uint64_t line_start_behind(uint64_t offset) const;
  uint64_t first_at(int64_t time) const;

  Fd fd_;
  uint64_t size_;
};

}  // namespace dmpm::cli
