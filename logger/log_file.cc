#include "logger/log_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/printable.h"
#include "base/text.h"
#include "logger/limits.h"
#include "logger/timestamp.h"

namespace dmpm {

namespace {
// Readable by the logger's group, which operators may join.
constexpr mode_t kMode = 0640;

std::string stamp() {
  return rfc3339(std::chrono::system_clock::now()) + " ";
}
}  // namespace

LogFile::LogFile(EventLoop& loop, int directory, std::string path, LogFile* reports)
    : loop_(loop),
      directory_(directory),
      path_(std::move(path)),
      reports_(reports),
      retry_(loop, *this) {}

Status LogFile::open() {
  if (fd_) return {};
  // Not following links: nobody but the logger writes here, and that shall not have to be true.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  fd_.reset(::openat(directory_, path_.c_str(), kFlags, kMode));
  if (!fd_) return Error::from_errno(concat({"open ", path_}), errno);
  return {};
}

void LogFile::append(std::string_view line) {
  pending_ += stamp();
  append_printable(pending_, line);
  pending_ += '\n';
  if (pending_.size() > logger_limits::kMaxPending) {
    flush();
  } else {
    loop_.defer(*this);
  }
}

// As much memory as it took the last time, at once.
std::string& LogFile::lines() {
  if (pending_.empty()) pending_.reserve(last_size_ + last_size_ / 4);
  return pending_;
}

void LogFile::say(LogLevel level, std::string_view text) {
  append(concat({to_string(level), " logger: ", text}));
}

void LogFile::reopen() {
  flush();
  fd_.reset();
  torn_ = false;
}

void LogFile::flush() {
  if (pending_.empty() && lost_ == 0) return;
  const std::string lines = std::exchange(pending_, {});
  last_size_ = lines.size();
  if (const Status opened = open(); !opened.ok()) {
    return count_loss(lines, opened.error().message);
  }
  const std::string notice = loss_notice();
  const std::string joined = notice.empty() ? std::string() : notice + lines;
  const std::string_view all = notice.empty() ? lines : joined;
  const ssize_t result = ::write(fd_.get(), all.data(), all.size());
  const int number = errno;
  const size_t written = result < 0 ? 0 : static_cast<size_t>(result);
  if (written > 0) torn_ = all[written - 1] != '\n';
  if (written >= notice.size()) report_losses();
  if (written == all.size()) return;
  count_loss(all.substr(std::max(written, notice.size())),
             result < 0 ? std::strerror(number) : "the file took only a part");
}

std::string LogFile::loss_notice() const {
  std::string notice;
  if (torn_) notice += '\n';
  if (lost_ > 0 && reports_ == nullptr) {
    notice += stamp() + "warning logger: ";
    append_printable(notice, losses());
    notice += '\n';
  }
  return notice;
}

std::string LogFile::losses() const {
  return concat({std::to_string(lost_), " lines were lost: ", reason_});
}

// The notice is in the file, or comes here.
void LogFile::report_losses() {
  if (lost_ > 0 && reports_ != nullptr) {
    reports_->say(LogLevel::warning, concat({path_, ": ", losses()}));
  }
  lost_ = 0;
}

void LogFile::count_loss(std::string_view unwritten, std::string_view reason) {
  lost_ += static_cast<uint64_t>(std::ranges::count(unwritten, '\n'));
  reason_ = reason;
  if (!retry_.pending()) retry_.set(logger_limits::kReportDelay);
}

}  // namespace dmpm
