#include "master/listeners.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/socket.h"
#include "master/protocol.h"
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
                               {"*:0", true, false}},
                              1, {});
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
    CHECK(option(*listener.sockets.front(), IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(*listener.sockets.front(), IPPROTO_TCP, TCP_DEFER_ACCEPT) == 0);
    CHECK(option(*listener.sockets.front(), SOL_SOCKET, SO_REUSEADDR) == 1);
  }
  CHECK(bound.value()[1].redirect_to_https);
}

TEST_CASE("an address in use is named") {
  auto first = bind_listeners({{"127.0.0.1:0", false, false}}, 1, {});
  REQUIRE(first.ok());
  const std::string address = first.value()[0].description.substr(5);
  const auto second = bind_listeners({{address, false, false}}, 2, {});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message == "cannot listen on " + address + ": Address already in use");
}

// Connects `count` times and accepts wherever the kernel put it: how many came to each socket.
std::vector<int> spread(const BoundListener& listener, int count) {
  auto address = local_address(listener.sockets.front()->get());
  std::vector<int> found(listener.sockets.size());
  for (int i = 0; i < count; ++i) {
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), address->get(), address->size) == 0);
    for (size_t s = 0; s < found.size(); ++s) {
      const Fd accepted(::accept4(listener.sockets[s]->get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (accepted) ++found[s];
    }
  }
  return found;
}

TEST_CASE("several dispatchers have a socket each, and a port stays theirs") {
  auto one = bind_listeners({{"127.0.0.1:0", false, false}}, 1, {});
  REQUIRE(one.ok());
  CHECK(spread(one->front(), 10) == std::vector<int>{10});
  // More processes: sockets are added to the one that is there.
  auto three = bind_listeners({{"127.0.0.1:0", true, false}}, 3, *one);
  REQUIRE(three.ok());
  const BoundListener& listener = three->front();
  REQUIRE(listener.sockets.size() == 3);
  CHECK(listener.sockets.front() == one->front().sockets.front());
  CHECK(listener.description == "https" + one->front().description.substr(4));
  const std::vector<int> found = spread(listener, 300);
  CHECK(found[0] + found[1] + found[2] == 300);
  CHECK(*std::min_element(found.begin(), found.end()) > 30);
  // Somebody else who wants the address is refused, though they would share.
  const auto other = bind_listeners({{listener.description.substr(6), false, false}}, 2, {});
  CHECK_FALSE(other.ok());
  // Fewer: no socket is closed, one process has two.
  auto two = bind_listeners({{"127.0.0.1:0", true, false}}, 2, *three);
  REQUIRE(two.ok());
  CHECK(two->front().sockets == listener.sockets);
  CHECK(share_of(*two, 0, 2).fds ==
        std::vector<int>{listener.sockets[0]->get(), listener.sockets[2]->get()});
  CHECK(share_of(*two, 1, 2).fds == std::vector<int>{listener.sockets[1]->get()});
  CHECK(share_of(*two, 1, 2).flags == std::vector<uint32_t>{protocol::kListenerTls});
}

TEST_CASE("the sockets of an address that stays are used again, in any order") {
  auto first = bind_listeners(
      {{"127.0.0.1:0", false, false}, {"127.0.0.1:0", true, false}, {"[::1]:0", false, false}}, 1,
      {});
  REQUIRE(first.ok());
  auto second = bind_listeners({{"[::1]:0", false, true},
                                {"127.0.0.1:0", false, false},
                                {"127.0.0.2:0", false, false},
                                {"127.0.0.1:0", true, false}},
                               1, *first);
  REQUIRE(second.ok());
  CHECK(second.value()[0].sockets == first.value()[2].sockets);
  CHECK(second.value()[0].redirect_to_https);
  CHECK(second.value()[1].sockets == first.value()[0].sockets);
  CHECK(second.value()[3].sockets == first.value()[1].sockets);
}

}  // namespace
}  // namespace dmpm::master::test
