// Socket addresses as text and back, and the few socket calls that more than one process needs.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace dmpm {

// An IPv4 or IPv6 address with its port, or a Unix path.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }

  // "1.2.3.4:80", "[::1]:80", "*:80" (the IPv6 wildcard, for a dual-stack listener).
  static Result<SocketAddress> parse_inet(std::string_view text);
  // At most 107 bytes (sun_path).
  static Result<SocketAddress> unix_path(std::string_view path);

  // The address alone, without port or brackets; an IPv4 address mapped into IPv6 as IPv4.
  std::string host() const;
  uint16_t port() const;
  // host:port, with brackets around IPv6.
  std::string to_string() const;
};

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
// Of a Unix socket: the peer's sendmsg() of a descriptor fails from here on. Unasked, the kernel closes
// here what was sent, and for what somebody has prepared a close() takes as long as they like. False before
// Linux 6.16, which cannot be told so.
bool refuse_descriptors(int fd);

// The address that a bound socket got (port 0 has become a real one).
Result<SocketAddress> local_address(int fd);

}  // namespace dmpm
