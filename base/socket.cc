#include "base/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace dmpm {

Result<SocketAddress> SocketAddress::parse_inet(std::string_view text) {
  const size_t colon = text.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::nullopt : parse_decimal(text.substr(colon + 1));
  if (!port || *port > 65535) {
    return Error{concat({"\"", text, "\" is not ADDRESS:PORT with a port of 0 to 65535"})};
  }
  std::string host(text.substr(0, colon));
  SocketAddress address;
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool wildcard = !bracketed && host == "*";
  if (host.find('\0') != std::string::npos) host = "?";  // what the C functions would not see
  if (wildcard || (bracketed && ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1)) {
    if (wildcard) v6.sin6_addr = in6addr_any;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<uint16_t>(*port));
    address.size = sizeof v6;
    return address;
  }
  if (!bracketed && ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<uint16_t>(*port));
    address.size = sizeof v4;
    return address;
  }
  return Error{concat({"\"", text, "\" is neither IPv4:PORT, [IPv6]:PORT nor *:PORT"})};
}

Result<SocketAddress> SocketAddress::unix_path(std::string_view path) {
  SocketAddress address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.empty() || path.size() >= sizeof un.sun_path) {
    return Error{concat({"the socket path \"", path, "\" is longer than the ",
                         std::to_string(sizeof un.sun_path - 1), " bytes that the kernel takes"})};
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
    } else {
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
  }
  return text;
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  return 0;
}

std::string SocketAddress::to_string() const {
  if (family() == AF_UNIX) return reinterpret_cast<const sockaddr_un&>(storage).sun_path;
  const bool v6 = family() == AF_INET6;
  return concat({v6 ? "[" : "", host(), v6 ? "]:" : ":", std::to_string(port())});
}

bool refuse_descriptors(int fd) {
  const int no = 0;
  return ::setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no) == 0;
}

Result<SocketAddress> local_address(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.size) != 0) {
    return Error::from_errno("getsockname", errno);
  }
  return address;
}

}  // namespace dmpm
