#include "keyholder/dispatcher_port.h"

#include <sys/socket.h>

#include <algorithm>

#include "base/channel.h"
#include "keyholder/limits.h"

namespace dmpm::keyholder {

using keyholder_protocol::Algorithm;
using keyholder_protocol::Answer;
using keyholder_protocol::MasterRequestType;

namespace {

size_t place_of(MasterRequestType offence) {
  return static_cast<size_t>(offence) - static_cast<size_t>(MasterRequestType::malformed);
}

}  // namespace

DispatcherPort::DispatcherPort(EventLoop& loop, Fd fd, unsigned number, DispatcherPortOwner& owner)
    : loop_(loop),
      fd_(std::move(fd)),
      number_(number),
      owner_(owner),
      signatures_(keyholder_limits::kSignaturesPerSecond, keyholder_limits::kSignatureBurst),
      loads_(keyholder_limits::kLoadsPerSecond, keyholder_limits::kLoadBurst),
      report_(loop, *this),
      watcher_(loop, fd_.get(), *this) {
  watcher_.watch_read(true);
}

// ---- requests ----

// One message, so that the other dispatchers have their turn; requests of a round come in one anyway.
void DispatcherPort::on_readable() {
  owner_.before_requests();
  std::array<char, Channel::kMaxMessage> bytes;  // on the stack: one reader at a time
  const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0) return;
  // No end of the channel: the master holds its other end too. An empty message looks like one.
  if (size == 0 || static_cast<size_t>(size) > bytes.size()) {
    count_offence(MasterRequestType::malformed);
  } else {
    on_message({bytes.data(), static_cast<size_t>(size)});
  }
}

void DispatcherPort::on_message(std::string_view message) {
  WireReader reader(message);
  while (!reader.at_end()) {
    if (!read_request(reader)) return count_offence(MasterRequestType::malformed);
  }
}

// False when it is none: then the rest of the message makes no sense either.
bool DispatcherPort::read_request(WireReader& reader) {
  const auto kind = static_cast<keyholder_protocol::Request>(reader.u32());
  Request request;
  request.dispatcher = number_;
  request.id = reader.u64();
  request.certificate = reader.u32();
  request.sign = kind == keyholder_protocol::Request::sign;
  if (request.sign) {
    const std::string_view fingerprint = reader.string();
    request.algorithm = static_cast<Algorithm>(reader.u32());
    request.message = reader.string();
    if (fingerprint.size() != request.fingerprint.size() ||
        request.message.size() > keyholder_protocol::kMaxSigned) {
      return false;
    }
    std::copy(fingerprint.begin(), fingerprint.end(), request.fingerprint.begin());
  } else if (kind != keyholder_protocol::Request::load) {
    return false;
  }
  if (!reader.ok()) return false;
  if (within_rate(request)) {
    owner_.on_request(std::move(request));
  } else {
    // Told, or it would wait for an answer for ever.
    count_offence(MasterRequestType::too_many);
    refused(request.id, "too many requests");
  }
  return true;
}

bool DispatcherPort::within_rate(const Request& request) {
  return request.sign ? signatures_.take(loop_.now()) : loads_.take(loop_.now());
}

// ---- answers ----

WireWriter& DispatcherPort::answer(Answer kind, size_t size) {
  if (answers_.bytes().size() + size > keyholder_limits::kAnswerSize) send_answers();
  loop_.defer(*this);
  return answers_.u32(static_cast<uint32_t>(kind));
}

void DispatcherPort::certificate(uint64_t id, const Pairs& pairs) {
  size_t size = 64;
  for (const auto& pair : pairs) {
    for (const std::string& one : pair->chain()) size += one.size() + 16;
  }
  WireWriter& writer = answer(Answer::certificate, size).u64(id);
  writer.u32(static_cast<uint32_t>(pairs.size()));
  for (const auto& pair : pairs) {
    writer.u32(static_cast<uint32_t>(pair->chain().size()));
    for (const std::string& one : pair->chain()) writer.string(one);
  }
}

void DispatcherPort::signature(uint64_t id, std::string_view signature) {
  answer(Answer::signature, signature.size() + 16).u64(id).string(signature);
}

void DispatcherPort::refused(uint64_t id, std::string_view reason) {
  answer(Answer::refused, reason.size() + 16).u64(id).string(reason);
}

void DispatcherPort::ticket_keys(const std::vector<std::string>& keys) {
  // What waits is a predecessor's, or is asked for again when these have come.
  unsent_.clear();
  unsent_bytes_ = 0;
  WireWriter& writer = answer(Answer::ticket_keys, 512).u32(static_cast<uint32_t>(keys.size()));
  for (const std::string& key : keys) writer.string(key);
}

void DispatcherPort::send_answers() {
  const std::string message = answers_.take();
  answers_ = {};
  if (message.empty() || (unsent_.empty() && send_now(message))) return;
  if (unsent_bytes_ + message.size() > keyholder_limits::kMaxUnsent) {
    return count_offence(MasterRequestType::unread);
  }
  unsent_bytes_ += message.size();
  unsent_.push_back(message);
  watcher_.watch_read(false);
  watcher_.watch_write(true);
}

void DispatcherPort::on_writable() {
  while (!unsent_.empty() && send_now(unsent_.front())) {
    unsent_bytes_ -= unsent_.front().size();
    unsent_.pop_front();
  }
  if (!unsent_.empty()) return;
  watcher_.watch_write(false);
  watcher_.watch_read(true);
}

bool DispatcherPort::send_now(const std::string& message) const {
  return ::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

// ---- offences ----

void DispatcherPort::count_offence(MasterRequestType kind) {
  ++offences_[place_of(kind)];
  if (!report_.pending()) report_.set(keyholder_limits::kOffenceReport);
}

void DispatcherPort::on_timer() {
  for (const auto kind : {MasterRequestType::malformed, MasterRequestType::too_many,
                          MasterRequestType::forbidden, MasterRequestType::unread}) {
    const uint32_t count = std::exchange(offences_[place_of(kind)], 0);
    if (count > 0) owner_.on_offence(number_, kind, count);
  }
}

}  // namespace dmpm::keyholder
