#include "master/listeners.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/socket.h"
#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

int option(const Fd& fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd.get(), level, name, &value, &size);
  return value;
}

bool can_connect(const std::string& address) {
  const auto parsed = SocketAddress::parse_inet(address);
  const Fd fd(::socket(parsed.value().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), parsed.value().get(), parsed.value().size) == 0;
}

TEST_CASE("IPv4, IPv6 only, both; in order") {
  auto bound = bind_listeners({{"127.0.0.1:0", true, false},
                               {"[::1]:0", false, true},
                               {"[::]:0", false, false},
                               {"*:0", true, false}});
  REQUIRE(bound.ok());
  REQUIRE(bound->size() == 4);
  struct Case {
    std::string description;
    bool v4, v6;
  };
  const Case cases[] = {{"https 127.0.0.1:", true, false},
                        {"http [::1]:", false, true},
                        {"http [::]:", false, true},
                        {"https [::]:", true, true}};
  for (size_t i = 0; i < 4; ++i) {
    const BoundListener& listener = bound.value()[i];
    INFO(listener.description);
    CHECK(listener.description.starts_with(cases[i].description));
    const std::string port = listener.description.substr(listener.description.rfind(':'));
    CHECK(port != ":0");
    CHECK(can_connect("127.0.0.1" + port) == cases[i].v4);
    CHECK(can_connect("[::1]" + port) == cases[i].v6);
    CHECK(option(listener.fd, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(listener.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) == 0);
    CHECK(option(listener.fd, SOL_SOCKET, SO_REUSEADDR) == 1);
  }
  CHECK(bound.value()[1].redirect_to_https);
}

TEST_CASE("an address in use is named") {
  auto first = bind_listeners({{"127.0.0.1:0", false, false}});
  REQUIRE(first.ok());
  const std::string address = first.value()[0].description.substr(5);
  const auto second = bind_listeners({{address, false, false}});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message == "cannot listen on " + address + ": Address already in use");
}

}  // namespace
}  // namespace dmpm::master::test
