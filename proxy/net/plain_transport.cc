#include "proxy/net/plain_transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace dmpm::net {

PlainTransport::~PlainTransport() {
  if (staging_.owned_by(*this)) staging_.release();
}

Transport::ReadResult PlainTransport::read(std::span<char> into) {
  const ssize_t size = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
  if (size > 0) return {ReadStatus::data, static_cast<size_t>(size)};
  if (size == 0) return {ReadStatus::end};
  const bool later = errno == EAGAIN || errno == EINTR;
  return {later ? ReadStatus::would_block : ReadStatus::failed};
}

void PlainTransport::write(std::string_view plaintext) {
  staging_.claim(*this);
  staging_.wire += plaintext;
}

size_t PlainTransport::unsent() const {
  return output_.kept() + (staging_.owned_by(*this) ? staging_.wire.size() : 0);
}

Transport::FlushStatus PlainTransport::flush() {
  if (!staging_.owned_by(*this)) return output_.send({});
  const FlushStatus status = output_.send(staging_.wire);
  staging_.release();
  return status;
}

void PlainTransport::end_output() {
  if (flush() == FlushStatus::sent) ::shutdown(fd_, SHUT_WR);
}

}  // namespace dmpm::net
