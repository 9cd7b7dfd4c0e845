#include "base/channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace dmpm {

namespace {
// So that a flood on one channel cannot hold up the loop's other descriptors.
constexpr int kMessagesPerRound = 64;
}  // namespace

Result<Channel::Pair> Channel::pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    return Error::from_errno("socketpair", errno);
  }
  return Pair{Fd(fds[0]), Fd(fds[1])};
}

Channel::Channel(EventLoop& loop, Fd fd, ChannelHandler& handler, size_t max_queued)
    : handler_(handler),
      fd_(std::move(fd)),
      watcher_(loop, fd_.get(), *this),
      max_queued_(max_queued) {
  watcher_.watch_read(true);
}

bool Channel::try_send(std::string_view message) {
  if (closed_ || !queue_.empty()) return false;
  return ::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(message.size());
}

void Channel::send(std::string_view message) {
  if (closed_ || try_send(message)) return;
  if (queued_bytes_ + message.size() > max_queued_) return close("peer does not read");
  // A peer that has gone shows on the next read; its messages are dropped there.
  queue_.emplace_back(message);
  queued_bytes_ += message.size();
  watcher_.watch_write(true);
}

void Channel::on_writable() {
  while (!queue_.empty()) {
    const std::string& message = queue_.front();
    if (::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return close(std::strerror(errno));
    }
    queued_bytes_ -= message.size();
    queue_.pop_front();
  }
  watcher_.watch_write(false);
}

void Channel::on_readable() {
  static_assert(kMaxMessage <= 128 * 1024);
  std::array<char, kMaxMessage> bytes;  // on the stack: one reader at a time, never re-entered
  for (int i = 0; i < kMessagesPerRound && !closed_; ++i) {
    const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (size < 0) {
      close(std::strerror(errno));
    } else if (size == 0) {
      close("peer has gone");
    } else if (static_cast<size_t>(size) > bytes.size()) {
      close("message too large");
    } else {
      handler_.on_message({bytes.data(), static_cast<size_t>(size)});
    }
  }
}

void Channel::close(std::string_view reason) {
  if (closed_) return;
  closed_ = true;
  watcher_.watch_read(false);
  watcher_.watch_write(false);
  queue_.clear();
  queued_bytes_ = 0;
  handler_.on_channel_closed(reason);
}

}  // namespace dmpm
