#include "proxy/access_log.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace dmpm {

using exchange_protocol::kMaxMessage;
using exchange_protocol::MessageHead;
using exchange_protocol::Record;

AccessLog::AccessLog(EventLoop& loop, DeadlineWheel& wheel, Fd channel, metrics::Counter& dropped)
    : wheel_(wheel),
      channel_(std::move(channel)),
      watcher_(loop, channel_.get(), *this),
      dropped_in_all_(dropped) {}

AccessLog::~AccessLog() {
  while (!waiting_.empty() && send(waiting_.front())) waiting_.pop_front();
  if (waiting_.empty() && !message_.empty()) send(message_);
}

void AccessLog::append(const Record& record, std::string_view texts) {
  if (message_.size() + sizeof record + texts.size() > kMaxMessage) {
    flush();
    if (!message_.empty()) return drop(1);
  }
  if (message_.empty()) {
    message_.reserve(kMaxMessage);
    const MessageHead head;
    message_.append(reinterpret_cast<const char*>(&head), sizeof head);
    wheel_.set(*this, kDelay);
  }
  message_.append(reinterpret_cast<const char*>(&record), sizeof record);
  message_.append(texts);
  MessageHead head;
  std::memcpy(&head, message_.data(), sizeof head);
  ++head.count;
  std::memcpy(message_.data(), &head, sizeof head);
  if (message_.size() >= kFull && waiting_.empty()) flush();
}

// What cannot be sent waits; while too much waits already, message_ stays as it is.
void AccessLog::flush() {
  if (message_.empty()) return;
  if (waiting_.empty() && send(message_)) return message_.clear();
  watcher_.watch_write(true);
  if (waiting_.size() < kMaxWaiting) waiting_.push_back(std::exchange(message_, {}));
}

void AccessLog::on_writable() {
  while (!waiting_.empty()) {
    if (!send(waiting_.front())) return;
    waiting_.pop_front();
  }
  watcher_.watch_write(false);
  flush();
}

void AccessLog::drop(uint64_t records) {
  dropped_ += records;
  dropped_in_all_.add(records);
}

bool AccessLog::send(std::string& message) {
  MessageHead head;
  std::memcpy(&head, message.data(), sizeof head);
  head.dropped = dropped_ - reported_;
  std::memcpy(message.data(), &head, sizeof head);
  const ssize_t sent =
      ::send(channel_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (sent < 0) {
    drop(head.count);
  } else {
    reported_ = dropped_;
  }
  return true;
}

}  // namespace dmpm
