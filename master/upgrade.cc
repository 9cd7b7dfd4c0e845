#include "master/upgrade.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "master/child_process.h"
#include "master/limits.h"

namespace dmpm::master {

Upgrade::Upgrade(EventLoop& loop, Children& children, std::string program, std::string config_file,
                 UpgradeHandler& handler)
    : loop_(loop),
      children_(children),
      program_(std::move(program)),
      config_file_(std::move(config_file)),
      handler_(handler),
      overdue_(loop, *this) {}

Upgrade::~Upgrade() {
  cancel();
}

void Upgrade::begin() {
  if (trying()) return;
  if (const Status status = start_trial(); !status.ok()) {
    handler_.on_upgrade_failed(status.error().message);
  }
}

void Upgrade::cancel() {
  if (!trying()) return;
  ::kill(pid_, SIGKILL);
  children_.forget(pid_);
  pid_ = -1;
  watcher_.reset();
  overdue_.cancel();
}

Status Upgrade::start_trial() {
  auto handover = to_memory_file(encode(handler_.hand_over()));
  if (!handover) return handover.error();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return Error::from_errno("pipe", errno);
  watcher_.reset();
  output_.reset(ends[0]);
  const Fd theirs(ends[1]);
  auto pid = spawn_service(program_, {"--config", config_file_, "--try-handover", "3"},
                           {STDIN_FILENO, theirs.get(), theirs.get(), handover->get()});
  if (!pid) return pid.error();
  pid_ = *pid;
  said_.clear();
  children_.add(pid_, *this);
  watcher_ = std::make_unique<IoWatcher>(loop_, output_.get(), *this);
  watcher_->watch_read(true);
  overdue_.set(kUpgradeTrialTime);
  return {};
}

void Upgrade::on_readable() {
  std::array<char, 4096> bytes;
  while (true) {
    const ssize_t size = ::read(output_.get(), bytes.data(), bytes.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return watcher_->watch_read(false);
    const auto count = static_cast<size_t>(size);
    said_.append(bytes.data(), std::min(count, kMaxUpgradeWords - said_.size()));
  }
}

void Upgrade::on_timer() {
  said_ += "the new version did not answer in time: killed";
  ::kill(pid_, SIGKILL);
}

void Upgrade::on_child_ended(int wait_status) {
  on_readable();
  pid_ = -1;
  watcher_.reset();
  overdue_.cancel();
  if (wait_status != 0) {
    return handler_.on_upgrade_failed(
        concat({said_, said_.empty() || said_.back() == '\n' ? "" : "\n",
                "the new version, tried out, ", describe_ending(wait_status)}));
  }
  const Status status = exec();  // returns only when it failed
  handler_.on_upgrade_failed(status.error().message);
}

// From the first line on nothing may happen to what is handed over: signals wait for the new master.
Status Upgrade::exec() const {
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const Handover handover = handler_.hand_over();
  auto file = to_memory_file(encode(handover));
  Error error = file.ok() ? Error{} : file.error();
  if (file.ok()) {
    const std::vector<int> kept = descriptors(handover);
    for (const int fd : kept) ::fcntl(fd, F_SETFD, 0);
    const std::string number = std::to_string(file->get());
    ::execl(program_.c_str(), "dmpm-master", "--config", config_file_.c_str(), "--take-over",
            number.c_str(), static_cast<char*>(nullptr));
    error = Error::from_errno(program_, errno);
    for (const int fd : kept) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return error;
}

}  // namespace dmpm::master
