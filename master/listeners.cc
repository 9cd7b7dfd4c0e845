#include "master/listeners.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/socket.h"
#include "base/text.h"
#include "master/limits.h"

namespace dmpm::master {

namespace {

bool set_option(const Fd& fd, int level, int name, int value) {
  return ::setsockopt(fd.get(), level, name, &value, sizeof value) == 0;
}

Result<BoundListener> bind_listener(const config::Listener& wanted) {
  const auto address = SocketAddress::parse_inet(wanted.address);
  if (!address) return address.error();
  BoundListener bound;
  bound.tls = wanted.tls;
  bound.redirect_to_https = wanted.redirect_to_https;
  bound.fd = Fd(::socket(address.value().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool dual_stack = wanted.address.starts_with('*');
  const bool ok =
      bound.fd && set_option(bound.fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
      (address.value().family() != AF_INET6 ||
       set_option(bound.fd, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1)) &&
      set_option(bound.fd, IPPROTO_TCP, TCP_NODELAY, 1) &&  // inherited by what is accepted
      ::bind(bound.fd.get(), address.value().get(), address.value().size) == 0 &&
      ::listen(bound.fd.get(), kListenerBacklog) == 0;
  if (!ok) return Error::from_errno(concat({"cannot listen on ", wanted.address}), errno);
  const auto local = local_address(bound.fd.get());
  if (!local) return local.error();
  bound.description = concat({wanted.tls ? "https " : "http ", local.value().to_string()});
  return bound;
}

}  // namespace

Result<std::vector<BoundListener>> bind_listeners(const std::vector<config::Listener>& wanted) {
  std::vector<BoundListener> all;
  for (const config::Listener& listener : wanted) {
    auto bound = bind_listener(listener);
    if (!bound) return bound.error();
    all.push_back(std::move(*bound));
  }
  return all;
}

}  // namespace dmpm::master
