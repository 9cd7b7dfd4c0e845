#include "metrics/request.h"

#include <doctest/doctest.h>

#include "metrics/limits.h"

using dmpm::metrics::names_loopback;
using dmpm::metrics::parse_request;
using dmpm::metrics::Request;

TEST_CASE("a GET is understood") {
  const Request request =
      parse_request("GET /metrics?x=1 HTTP/1.1\r\nhost: localhost:1\r\nAccept: */*\r\n\r\n");
  CHECK(request.refusal == 0);
  CHECK(request.path == "/metrics");
  CHECK(request.host == "localhost:1");
  CHECK(request.chunks);
  CHECK_FALSE(parse_request("GET / HTTP/1.0\r\n\r\n").chunks);
}

TEST_CASE("every beginning of one is incomplete") {
  const std::string whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(parse_request(whole.substr(0, size)).refusal == Request::kIncomplete);
  }
}

TEST_CASE("anything else is refused") {
  const std::pair<unsigned, const char*> cases[] = {
      {405, "POST / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {405, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {405, "get / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
      {505, "GET / http/1.1\r\nHost: a\r\n\r\n"},
      {505, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
      {400, "GET /\r\nHost: a\r\n\r\n"},
      {400, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "\r\n\r\n"},
      {400, " / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost\r\n\r\n"},
      {400, "GET / HTTP/1.1\nHost: a\n\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.second);
    CHECK(parse_request(one.second).refusal == one.first);
  }
}

TEST_CASE("a zero byte is one like any other") {
  using namespace std::string_view_literals;
  CHECK(parse_request("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"sv).refusal == 400);
}

TEST_CASE("a head that is too large is refused before its end") {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  std::string head = start + std::string(dmpm::metrics::limits::kMaxRequest, 'x');
  CHECK(parse_request(head).refusal == 431);
  CHECK(parse_request(head + "\r\n\r\n").refusal == 431);
}

TEST_CASE("names of the loopback") {
  for (const char* good : {"localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:9", "[::1]:9"}) {
    CAPTURE(good);
    CHECK(names_loopback(good));
  }
  for (const char* bad : {"", "evil.test", "localhost.evil.test", "127.0.0.1.evil.test",
                          "localhost:", "localhost:x", "127.0.0.2", "xlocalhost"}) {
    CAPTURE(bad);
    CHECK_FALSE(names_loopback(bad));
  }
}
