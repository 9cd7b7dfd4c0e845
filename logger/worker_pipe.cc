#include "logger/worker_pipe.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "base/text.h"
#include "logger/limits.h"

namespace dmpm {

WorkerPipe::WorkerPipe(EventLoop& loop, int directory, std::string path, LogFile& file,
                       RateGate& gate)
    : loop_(loop),
      directory_(directory),
      path_(std::move(path)),
      file_(file),
      gate_(gate),
      splitter_(*this),
      pause_(loop, *this) {}

WorkerPipe::~WorkerPipe() {
  size_t drained = 0;
  while (fd_ && drained < logger_limits::kMaxDrain) {
    const ssize_t size = read_once();
    if (size <= 0) break;
    drained += static_cast<size_t>(size);
  }
  splitter_.finish();
}

Status WorkerPipe::open() {
  Fd fd(::openat(directory_, path_.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    const int number = errno;
    const bool exhausted = number == EMFILE || number == ENFILE || number == ENOMEM;
    if (exhausted) pause_.set(logger_limits::kRetryOpen);
    return Error::from_errno(concat({"open ", path_}), number);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISFIFO(status.st_mode)) {
    return Error{concat({path_, " is not a FIFO"})};
  }
  watcher_.reset();  // before its descriptor is closed
  fd_ = std::move(fd);
  watcher_.emplace(loop_, fd_.get(), static_cast<IoHandler&>(*this)).watch_read(true);
  return {};
}

ssize_t WorkerPipe::read_once() {
  std::array<char, logger_limits::kPipeRead> bytes;
  const ssize_t size = ::read(fd_.get(), bytes.data(), bytes.size());
  if (size > 0) splitter_.feed({bytes.data(), static_cast<size_t>(size)});
  return size;
}

void WorkerPipe::on_readable() {
  if (read_once() == 0) {
    splitter_.finish();
    const Status opened = open();
    if (opened.ok()) return;
    watcher_->watch_read(false);
    if (tries_again()) return;
    file_.say(LogLevel::warning, concat({"nothing more is read here: ", opened.error().message}));
  } else if (over_rate_) {
    watcher_->watch_read(false);
    pause_.set(logger_limits::kFloodPause);
  }
}

void WorkerPipe::on_timer() {
  over_rate_ = false;
  if (fd_) {
    watcher_->watch_read(true);
  } else if (open().ok()) {
    file_.say(LogLevel::info, "what a worker wrote is read again");
  }
}

void WorkerPipe::on_line(std::string_view line, bool continued) {
  if (!gate_.admit(line.size())) {
    over_rate_ = true;
  } else if (continued) {
    file_.append(concat({"[continued] ", line}));
  } else {
    file_.append(line);
  }
}

}  // namespace dmpm
