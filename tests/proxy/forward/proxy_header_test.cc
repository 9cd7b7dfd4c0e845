// The PROXY header, byte by byte (proxy-protocol.txt 2.2).
#include "proxy/forward/proxy_header.h"

#include <doctest/doctest.h>

#include <string>

#include "proxy/limits.h"

using namespace dmpm;
using namespace dmpm::forward;

namespace {

// With its zero bytes.
template <size_t size>
std::string bytes(const char (&text)[size]) {
  return std::string(text, size - 1);
}

const std::string kSignature = bytes("\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a");

http::ClientInfo client(std::string address, uint16_t port) {
  http::ClientInfo info;
  info.address = std::move(address);
  info.port = port;
  return info;
}

http::ClientInfo tls_client(std::string address, uint16_t port) {
  http::ClientInfo info = client(std::move(address), port);
  info.tls = true;
  info.tls_protocol = "TLSv1.3";
  info.tls_cipher = "TLS_AES_128_GCM_SHA256";
  return info;
}

}  // namespace

TEST_CASE("a client over IPv4 without TLS") {
  CHECK(proxy_header(client("192.0.2.7", 54321), {"198.51.100.1", 80, "", ""}, "") ==
        kSignature + bytes("\x21\x11\x00\x0c"
                           "\xc0\x00\x02\x07\xc6\x33\x64\x01\xd4\x31\x00\x50"));
}

TEST_CASE("a client over IPv6 without TLS") {
  CHECK(proxy_header(client("2001:db8::ff", 1), {"::1", 8080, "", ""}, "") ==
        kSignature + bytes("\x21\x21\x00\x24"
                           "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff"
                           "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
                           "\x00\x01\x1f\x90"));
}

TEST_CASE("a client over TLS: ALPN, the name that it asked for, version and cipher") {
  const std::string expected = kSignature + bytes(
                                                "\x21\x11\x00\x45"
                                                "\xc0\x00\x02\x07\xc6\x33\x64\x01\xd4\x31\x01\xbb"
                                                "\x01\x00\x02h2"
                                                "\x02\x00\x06"
                                                "a.test"
                                                "\x20\x00\x28\x01\x00\x00\x00\x01"
                                                "\x21\x00\x07TLSv1.3"
                                                "\x23\x00\x16TLS_AES_128_GCM_SHA256");
  CHECK(proxy_header(tls_client("192.0.2.7", 54321), {"198.51.100.1", 443, "h2", "a.test"},
                     "a.test") == expected);
}

TEST_CASE("the client's address is told when the listener's is not known") {
  for (const char* listener : {"", "::1"}) {
    CHECK(proxy_header(client("192.0.2.7", 54321), {listener, 80, "", ""}, "") ==
          kSignature + bytes("\x21\x11\x00\x0c"
                             "\xc0\x00\x02\x07\x00\x00\x00\x00\xd4\x31\x00\x00"));
  }
}

TEST_CASE("without an address the header says so") {
  CHECK(proxy_header(client("", 0), {}, "") == kSignature + bytes("\x21\x00\x00\x00"));
}

TEST_CASE("of a client's server name nothing but a host name of bounded length is told") {
  const http::ClientInfo info = client("192.0.2.7", 54321);
  const std::string none = proxy_header(info, {}, "");
  const auto with = [&](std::string_view name) { return proxy_header(info, {}, name); };
  CHECK(with("a.test").substr(none.size()) == bytes("\x02\x00\x06") + "a.test");
  for (const std::string& name :
       {bytes("a\0b"), bytes("a\r\nb"), std::string("a b"), std::string("a.test:80"),
        std::string("a@b"), std::string("\xc3\xa4.test"), std::string("\"")}) {
    CAPTURE(name);
    CHECK(with(name) == none);
  }
  const std::string longest(limits::kMaxProxyAuthority, 'a');
  CHECK(with(longest).substr(none.size()) == bytes("\x02\x00\x64") + longest);
  CHECK(with(longest + "a") == none);
}

TEST_CASE("the longest header is none too long for any server") {
  http::ClientInfo info = tls_client("2001:db8:1111:2222:3333:4444:5555:6666", 65535);
  info.tls_cipher = "ECDHE-ECDSA-CAMELLIA256-SHA384";  // OpenSSL has no longer name
  const std::string name(limits::kMaxProxyAuthority, 'a');
  CHECK(proxy_header(info, {"::1", 443, "http/1.1", name}, name).size() == 217);
}
