#include "master/listeners.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/socket.h"
#include "base/text.h"
#include "master/limits.h"
#include "master/protocol.h"

namespace dmpm::master {

namespace {

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// `shared`: another socket has the address already. Otherwise it must be free, which only a socket
// without SO_REUSEPORT finds out; it can be shared from then on.
Result<std::shared_ptr<const Fd>> bind_socket(const SocketAddress& address, bool dual_stack,
                                              bool shared) {
  auto fd = std::make_shared<const Fd>(
      ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int number = fd->get();
  const bool ok = *fd && set_option(number, SOL_SOCKET, SO_REUSEADDR, 1) &&
                  (address.family() != AF_INET6 ||
                   set_option(number, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1)) &&
                  // Inherited by what is accepted.
                  set_option(number, IPPROTO_TCP, TCP_NODELAY, 1) &&
                  (!shared || set_option(number, SOL_SOCKET, SO_REUSEPORT, 1)) &&
                  ::bind(number, address.get(), address.size) == 0 &&
                  ::listen(number, kListenerBacklog) == 0;
  if (!ok) return Error::from_errno("", errno);
  return fd;
}

// Brings the listener to `processes` sockets.
Status bind_missing(BoundListener& listener, unsigned processes) {
  auto address = SocketAddress::parse_inet(listener.address);
  if (!address) return address.error();
  const bool dual_stack = listener.address.starts_with('*');
  for (const auto& socket : listener.sockets) {
    if (listener.sockets.size() < processes) set_option(socket->get(), SOL_SOCKET, SO_REUSEPORT, 1);
  }
  while (listener.sockets.empty() || listener.sockets.size() < processes) {
    const bool shared = !listener.sockets.empty();
    if (shared)
      address = local_address(listener.sockets.front()->get());  // port 0 became a real one
    if (!address) return address.error();
    auto socket = bind_socket(*address, dual_stack, shared);
    if (!socket) {
      return Error::from_errno(concat({"cannot listen on ", listener.address}),
                               socket.error().number);
    }
    if (processes > 1) set_option((*socket)->get(), SOL_SOCKET, SO_REUSEPORT, 1);
    listener.sockets.push_back(std::move(*socket));
  }
  return {};
}

}  // namespace

Result<std::vector<BoundListener>> bind_listeners(const std::vector<config::Listener>& wanted,
                                                  unsigned processes,
                                                  const std::vector<BoundListener>& now) {
  std::vector<BoundListener> all, left = now;
  for (const config::Listener& entry : wanted) {
    // The first of that address which is not taken yet: with port 0 there may be several.
    const auto same = std::find_if(left.begin(), left.end(), [&entry](const BoundListener& old) {
      return old.address == entry.address && !old.sockets.empty();
    });
    BoundListener listener;
    if (same != left.end()) std::swap(listener, *same);
    listener.address = entry.address;
    listener.tls = entry.tls;
    listener.redirect_to_https = entry.redirect_to_https;
    if (Status status = bind_missing(listener, processes); !status.ok()) return status.error();
    auto local = local_address(listener.sockets.front()->get());
    if (!local) return local.error();
    listener.description = concat({entry.tls ? "https " : "http ", local->to_string()});
    all.push_back(std::move(listener));
  }
  return all;
}

ListenerShare share_of(const std::vector<BoundListener>& listeners, unsigned index,
                       unsigned processes) {
  ListenerShare share;
  for (const BoundListener& listener : listeners) {
    const uint32_t flags = (listener.tls ? protocol::kListenerTls : 0U) |
                           (listener.redirect_to_https ? protocol::kListenerRedirect : 0U);
    for (size_t i = index; i < listener.sockets.size(); i += processes) {
      share.fds.push_back(listener.sockets[i]->get());
      share.flags.push_back(flags);
    }
  }
  return share;
}

}  // namespace dmpm::master
