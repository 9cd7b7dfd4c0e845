#include "master/worker_process.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace dmpm::master {

WorkerProcess::~WorkerProcess() {
  if (!exists()) return;
  signal(SIGKILL);
  children_.forget(pid_);
}

Status WorkerProcess::start(const WorkerLaunch& launch) {
  auto spawned = spawn_worker(launch);
  if (!spawned) return spawned.error();
  pid_ = spawned->pid;
  clean_up_ = clean_up_after(launch);
  setup_error_.clear();
  children_.add(pid_, *this);
  setup_ = std::make_unique<Setup>(loop_, std::move(spawned->control), *this);
  return {};
}

void WorkerProcess::signal(int number) const {
  if (exists() && (!ended_ || number == SIGKILL)) ::kill(-pid_, number);
}

// True at the end of file.
bool WorkerProcess::read_error() {
  std::array<char, 8192> text;  // one message at most; it may name a path
  const ssize_t size = ::recv(setup_->fd.get(), text.data(), text.size(), MSG_DONTWAIT);
  if (size > 0) setup_error_.assign(text.data(), static_cast<size_t>(size));
  return size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
}

void WorkerProcess::on_readable() {
  if (!read_error()) return;
  setup_.reset();
  if (ended_) return;
  if (setup_error_.empty()) handler_.on_process_started();  // otherwise the process is about to end
}

// True when the end has to wait for that.
bool WorkerProcess::clear_away(int wait_status) {
  if (!clean_up_) return false;
  auto spawned = spawn_clean_up(*clean_up_, pid_);
  if (!spawned) {
    handler_.on_left_behind(spawned.error().message);
    return false;
  }
  ended_ = Ended{wait_status, std::move(setup_error_)};
  setup_error_.clear();
  pid_ = spawned->pid;
  children_.add(pid_, *this);
  setup_ = std::make_unique<Setup>(loop_, std::move(spawned->control), *this);
  return true;
}

void WorkerProcess::on_child_ended(int wait_status) {
  if (setup_ != nullptr) read_error();
  setup_.reset();
  if (ended_) {
    if (setup_error_.empty() && wait_status != 0) setup_error_ = describe_ending(wait_status);
    if (!setup_error_.empty()) handler_.on_left_behind(setup_error_);
    wait_status = ended_->wait_status;
    setup_error_ = std::move(ended_->setup_error);
    ended_.reset();
  } else if (clear_away(wait_status)) {
    return;
  }
  clean_up_.reset();
  pid_ = -1;
  const std::string error = std::move(setup_error_);
  handler_.on_process_ended(wait_status, error);
}

}  // namespace dmpm::master
