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
  setup_error_.clear();
  children_.add(pid_, *this);
  setup_ = std::make_unique<Setup>(loop_, std::move(spawned->control), *this);
  return {};
}

void WorkerProcess::signal(int number) const {
  if (exists()) ::kill(-pid_, number);
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
  if (setup_error_.empty()) handler_.on_process_started();  // otherwise the process is about to end
}

void WorkerProcess::on_child_ended(int wait_status) {
  if (setup_ != nullptr) read_error();
  setup_.reset();
  pid_ = -1;
  const std::string error = std::move(setup_error_);
  handler_.on_process_ended(wait_status, error);
}

}  // namespace dmpm::master
