#include "proxy/net/socket_output.h"

#include <sys/socket.h>

#include <cerrno>

namespace dmpm::net {

size_t SocketOutput::send_some(std::string_view bytes) {
  while (!failed_) {
    const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) return static_cast<size_t>(size);
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) failed_ = true;
  }
  return 0;
}

Transport::FlushStatus SocketOutput::send(std::string_view bytes) {
  if (!kept_.empty()) kept_.consume(send_some(kept_.view()));
  if (kept_.empty() && !bytes.empty()) bytes.remove_prefix(send_some(bytes));
  if (failed_) return Transport::FlushStatus::failed;
  kept_.append(bytes);
  return kept_.empty() ? Transport::FlushStatus::sent : Transport::FlushStatus::waiting;
}

}  // namespace dmpm::net
