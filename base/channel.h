// Channel: whole messages between two processes over an inherited SOCK_SEQPACKET socket pair.
//
// Carries bytes only: ancillary data is neither sent nor asked for, so the kernel discards any
// descriptor that a peer might attach (invariant 1). By send() and recv() alone, so that a process
// may be forbidden the calls that could do more.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"

namespace dmpm {

class ChannelHandler {
 public:
  // `message` is valid during the call only. Must not destroy the channel (EventLoop::defer).
  virtual void on_message(std::string_view message) = 0;
  // The peer has gone, or broke the limits below. Called once; nothing follows. Must
  // not destroy the channel either.
  virtual void on_channel_closed(std::string_view reason) = 0;

 protected:
  ~ChannelHandler() = default;
};

class Channel final : public IoHandler {
 public:
  // No message is larger: it must fit a socket's default send buffer (212,992 bytes).
  static constexpr size_t kMaxMessage = 128 * 1024;

  // A connected pair, both ends close-on-exec.
  struct Pair {
    Fd ours, theirs;
  };
  static Result<Pair> pair();

  // At most `max_queued` bytes wait for a slow peer; one more closes the channel.
  Channel(EventLoop& loop, Fd fd, ChannelHandler& handler, size_t max_queued);

  // Queues what the kernel does not take at once. Ignored after the channel closed.
  void send(std::string_view message);
  // Reads what is there now, as when it becomes readable.
  void read_now() { on_readable(); }
  // Sends now or not at all.
  bool try_send(std::string_view message);
  size_t queued() const { return queued_bytes_; }
  int fd() const { return fd_.get(); }
  // What the kernel has not taken.
  const std::deque<std::string>& unsent() const { return queue_; }

 private:
  void on_readable() override;
  void on_writable() override;
  void close(std::string_view reason);

  ChannelHandler& handler_;
  Fd fd_;
  IoWatcher watcher_;
  const size_t max_queued_;
  std::deque<std::string> queue_;
  size_t queued_bytes_ = 0;
  bool closed_ = false;
};

}  // namespace dmpm
