#include "base/socket.h"

#include <doctest/doctest.h>

#include <string>

using dmpm::SocketAddress;

TEST_CASE("addresses that are understood") {
  struct Row {
    const char *text, *printed, *host;
    int family;
    uint16_t port;
  };
  for (const Row& row : {
           Row{"1.2.3.4:80", "1.2.3.4:80", "1.2.3.4", AF_INET, 80},
           Row{"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0", AF_INET, 0},
           Row{"127.0.0.1:65535", "127.0.0.1:65535", "127.0.0.1", AF_INET, 65535},
           Row{"[::1]:443", "[::1]:443", "::1", AF_INET6, 443},
           Row{"[2001:DB8:0::0001]:1", "[2001:db8::1]:1", "2001:db8::1", AF_INET6, 1},
           Row{"*:80", "[::]:80", "::", AF_INET6, 80},
       }) {
    CAPTURE(row.text);
    const auto address = SocketAddress::parse_inet(row.text);
    REQUIRE(address.ok());
    CHECK(address.value().to_string() == row.printed);
    CHECK(address.value().host() == row.host);
    CHECK(address.value().family() == row.family);
    CHECK(address.value().port() == row.port);
  }
}

TEST_CASE("an IPv4 address mapped into IPv6 is shown as IPv4") {
  const auto address = SocketAddress::parse_inet("[::ffff:192.0.2.7]:80");
  REQUIRE(address.ok());
  CHECK(address.value().host() == "192.0.2.7");
}

TEST_CASE("addresses that are not understood") {
  using std::string_literals::operator""s;
  for (const std::string& text : {""s,
                                  ":"s,
                                  "80"s,
                                  ":80"s,
                                  "1.2.3.4"s,
                                  "1.2.3.4:"s,
                                  "1.2.3.4:65536"s,
                                  "1.2.3.4:-1"s,
                                  "1.2.3.4:+80"s,
                                  "1.2.3.4: 80"s,
                                  "1.2.3.4:80 "s,
                                  "1.2.3.4:0x50"s,
                                  " 1.2.3.4:80"s,
                                  "1.2.3:80"s,
                                  "256.2.3.4:80"s,
                                  "1.2.3.4.5:80"s,
                                  "localhost:80"s,
                                  "::1:80"s,
                                  "[::1]"s,
                                  "[::1]80"s,
                                  "[::1:80"s,
                                  "[]:80"s,
                                  "[1.2.3.4]:80"s,
                                  "[::1%lo]:80"s,
                                  "[*]:80"s,
                                  "**:80"s,
                                  "1.2.3.4\0x:80"s,
                                  "[::1\0x]:80"s,
                                  "*\0:80"s}) {
    CAPTURE(text);
    CHECK_FALSE(SocketAddress::parse_inet(text).ok());
  }
}

TEST_CASE("Unix paths") {
  const auto address = SocketAddress::unix_path("/run/x");
  REQUIRE(address.ok());
  CHECK(address.value().to_string() == "/run/x");
  CHECK(address.value().family() == AF_UNIX);
  CHECK(SocketAddress::unix_path(std::string(107, 'x')).ok());
  CHECK_FALSE(SocketAddress::unix_path(std::string(108, 'x')).ok());
  CHECK_FALSE(SocketAddress::unix_path("").ok());
}

TEST_CASE("the address that a bound socket got") {
  const dmpm::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto wanted = SocketAddress::parse_inet("127.0.0.1:0");
  REQUIRE(wanted.ok());
  REQUIRE(::bind(fd.get(), wanted->get(), wanted->size) == 0);
  const auto got = dmpm::local_address(fd.get());
  REQUIRE(got.ok());
  CHECK(got.value().host() == "127.0.0.1");
  CHECK(got.value().port() != 0);
  CHECK_FALSE(dmpm::local_address(-1).ok());
}
