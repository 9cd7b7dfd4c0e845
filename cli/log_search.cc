#include "cli/log_search.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "base/text.h"

namespace dmpm::cli {
namespace {

constexpr size_t kBlock = size_t{1} << 20;
// No line that the logger writes is longer.
constexpr size_t kMaxLine = size_t{64} << 10;
constexpr std::string_view kStamp = "dddd-dd-ddTdd:dd:dd.dddZ";  // d: a digit

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int number(std::string_view text, size_t at, size_t digits) {
  int value = 0;
  for (const char c : text.substr(at, digits)) value = value * 10 + (c - '0');
  return value;
}

// Where `needle` is in `text` for the last time.
size_t last_of(std::string_view text, std::string_view needle) {
  size_t last = std::string_view::npos;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (const void* found =
             ::memmem(at, static_cast<size_t>(end - at), needle.data(), needle.size())) {
    at = static_cast<const char*>(found) + 1;
    last = static_cast<size_t>(at - 1 - text.data());
  }
  return last;
}

bool is_compressed(std::string_view name) {
  for (const std::string_view end : {".gz", ".xz", ".zst", ".bz2"}) {
    if (name.ends_with(end)) return true;
  }
  return false;
}

}  // namespace

std::optional<int64_t> time_of(std::string_view line) {
  if (line.size() < kStamp.size()) return std::nullopt;
  for (size_t i = 0; i < kStamp.size(); ++i) {
    if (kStamp[i] == 'd' ? !is_digit(line[i]) : line[i] != kStamp[i]) return std::nullopt;
  }
  tm parts{};
  parts.tm_year = number(line, 0, 4) - 1900;
  parts.tm_mon = number(line, 5, 2) - 1;
  parts.tm_mday = number(line, 8, 2);
  parts.tm_hour = number(line, 11, 2);
  parts.tm_min = number(line, 14, 2);
  parts.tm_sec = number(line, 17, 2);
  return int64_t{::timegm(&parts)} * 1000 + number(line, 20, 3);
}

Result<LogFile> LogFile::open(const std::string& directory, const std::string& path) {
  const std::string whole = concat({directory, "/", path});
  Fd fd(::open(whole.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return Error::from_errno(whole, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error{concat({whole, " is not a regular file"})};
  }
  return LogFile(std::move(fd), static_cast<uint64_t>(status.st_size));
}

std::string LogFile::read(uint64_t offset, size_t size) const {
  std::string bytes(size, '\0');
  size_t got = 0;
  while (got < size) {
    const ssize_t more =
        ::pread(fd_.get(), bytes.data() + got, size - got, static_cast<off_t>(offset + got));
    if (more <= 0) break;
    got += static_cast<size_t>(more);
  }
  bytes.resize(got);
  return bytes;
}

// The line that begins there.
std::string LogFile::line_at(uint64_t offset) const {
  std::string line = read(offset, kMaxLine);
  line.resize(std::min(line.find('\n'), line.size()));
  return line;
}

// Where the first line begins that begins behind `offset`, or the end.
uint64_t LogFile::line_start_behind(uint64_t offset) const {
  for (uint64_t at = offset; at < size_; at += kMaxLine) {
    const std::string bytes = read(at, kMaxLine);
    if (const size_t newline = bytes.find('\n'); newline != std::string::npos) {
      return at + newline + 1;
    }
    if (bytes.size() < kMaxLine) break;
  }
  return size_;
}

// Block by block from the end, since what is asked for has mostly just happened. Blocks overlap by as
// much as `needle` is long.
std::optional<std::string> LogFile::last_line_with(std::string_view needle) const {
  for (uint64_t end = size_; end > 0;) {
    const uint64_t begin = end - std::min<uint64_t>(end, kBlock);
    const std::string bytes = read(begin, static_cast<size_t>(end - begin) + needle.size() - 1);
    if (const size_t found = last_of(bytes, needle); found != std::string_view::npos) {
      const uint64_t at = begin + found;
      const uint64_t before = at - std::min<uint64_t>(at, kMaxLine);
      const std::string head = read(before, static_cast<size_t>(at - before));
      const size_t newline = head.rfind('\n');
      return line_at(newline == std::string::npos ? before : before + newline + 1);
    }
    end = begin;
  }
  return std::nullopt;
}

// Where the first line begins that is not of before `time`. Lines without a time belong to the one
// before them.
uint64_t LogFile::first_at(int64_t time) const {
  uint64_t low = 0, high = size_;  // every line that begins before `low` is earlier
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    uint64_t at = middle == 0 ? 0 : line_start_behind(middle - 1);
    std::optional<int64_t> found;
    while (at < high && !(found = time_of(line_at(at)))) at = line_start_behind(at);
    if (at >= high || *found >= time) {
      high = middle;
    } else {
      low = line_start_behind(at);
    }
  }
  return low == 0 ? 0 : line_start_behind(low - 1);
}

std::vector<std::string> LogFile::between(int64_t from, int64_t until,
                                          const std::function<bool(std::string_view)>& wanted,
                                          size_t most) const {
  std::vector<std::string> found;
  const uint64_t begin = first_at(from), end = first_at(until + 1);
  std::string rest;  // of a line that the next block continues
  for (uint64_t at = begin; at < end;) {
    const std::string bytes = read(at, static_cast<size_t>(std::min<uint64_t>(kBlock, end - at)));
    if (bytes.empty()) break;
    at += bytes.size();
    rest += bytes;
    size_t start = 0;
    for (size_t stop; (stop = rest.find('\n', start)) != std::string::npos; start = stop + 1) {
      const std::string_view line = std::string_view(rest).substr(start, stop - start);
      if (wanted(line)) found.emplace_back(line);
      if (found.size() > 2 * most)
        found.erase(found.begin(), found.end() - static_cast<long>(most));
    }
    rest.erase(0, start);
  }
  if (found.size() > most) found.erase(found.begin(), found.end() - static_cast<long>(most));
  return found;
}

LogFile::Names LogFile::of_log(const std::string& directory, const std::string& name) {
  struct Aged {
    timespec modified;
    std::string name;
  };
  std::vector<Aged> plain;
  Names names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    const std::string_view found = entry->d_name;
    struct stat status {};
    // dmpm.log, dmpm.log.1, dmpm.log-20261125
    const bool belongs =
        found == name ||
        (found.starts_with(name) && (found[name.size()] == '.' || found[name.size()] == '-'));
    if (!belongs ||
        ::fstatat(::dirfd(entries.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    if (is_compressed(found)) {
      names.compressed.emplace_back(found);
    } else if (S_ISREG(status.st_mode)) {
      plain.push_back({status.st_mtim, std::string(found)});
    }
  }
  std::sort(plain.begin(), plain.end(), [](const Aged& a, const Aged& b) {
    return a.modified.tv_sec != b.modified.tv_sec ? a.modified.tv_sec > b.modified.tv_sec
                                                  : a.modified.tv_nsec > b.modified.tv_nsec;
  });
  for (Aged& each : plain) names.plain.push_back(std::move(each.name));
  std::sort(names.compressed.begin(), names.compressed.end());
  return names;
}

}  // namespace dmpm::cli
