// SocketOutput: writes to a non-blocking socket and keeps what the kernel does not take.
#pragma once

#include <string_view>

#include "base/buffer.h"
#include "proxy/net/transport.h"

namespace dmpm::net {

class SocketOutput {
 public:
  // The descriptor stays the caller's.
  explicit SocketOutput(int fd) : fd_(fd) {}

  // Sends what was kept, then `bytes`; keeps the rest.
  Transport::FlushStatus send(std::string_view bytes);
  size_t kept() const { return kept_.size(); }

 private:
  // The number of bytes sent; 0 when the socket is full or has failed.
  size_t send_some(std::string_view bytes);

  const int fd_;
  Buffer kept_;
  bool failed_ = false;
};

}  // namespace dmpm::net
