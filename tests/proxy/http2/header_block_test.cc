#include "proxy/http2/header_block.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

using namespace dmpm;
using http2::HeaderBlock;
using Lines = std::initializer_list<std::pair<std::string, std::string>>;

namespace {

unsigned status_of(const http::Rejection* why) {
  return why == nullptr ? 0 : why->status;
}

void add(HeaderBlock& block, Lines lines) {
  for (const auto& [name, value] : lines) block.add(name, value);
}

void add_get(HeaderBlock& block) {
  add(block, {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.test"}, {":path", "/"}});
}

std::string value_of(const http::RequestHead& head, std::string_view name) {
  std::string value = "(none)";
  for (const http::Field& field : head.fields) {
    if (field.name == name && field.forward) value = field.value;
  }
  return value;
}

}  // namespace

TEST_CASE("a request's head") {
  const ClientLimits limits;
  HeaderBlock block(limits);
  for (int round = 0; round < 2; ++round) {
    block.reset();
    add(block, {{":method", "HEAD"},
                {":scheme", "https"},
                {":authority", "A.test:443"},
                {":path", "/x?y"},
                {"accept", "*/*"},
                {"te", "trailers"},
                {"x-forwarded-for", "1.2.3.4"}});
    REQUIRE(block.finish(true) == nullptr);
    const http::RequestHead& head = block.head();
    CHECK(head.method == "HEAD");
    CHECK(head.target == "/x?y");
    CHECK(head.authority == "A.test:443");
    CHECK(head.host == "A.test");
    CHECK(head.is_head);
    CHECK(head.accepts_trailers);
    CHECK(head.body == http::BodyLength::none);
    CHECK(value_of(head, "accept") == "*/*");
    CHECK(value_of(head, "te") == "(none)");
    CHECK(value_of(head, "x-forwarded-for") == "(none)");
    CHECK_FALSE(block.is_extended_connect());
  }
}

TEST_CASE("the rules of a request") {
  struct Case {
    std::string what;
    unsigned status;
    Lines pseudo;
    Lines fields;
  };
  const std::string long_path = "/" + std::string(8192, 'a');
  for (const Case& one : {
           Case{"nothing", 400, {}, {}},
           Case{"no method", 400, {{":scheme", "https"}, {":authority", "a"}, {":path", "/"}}, {}},
           Case{"an empty method",
                400,
                {{":method", ""}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}},
                {}},
           Case{"a method with a space",
                400,
                {{":method", "G T"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}},
                {}},
           Case{"another scheme",
                400,
                {{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}},
                {}},
           Case{"no scheme", 400, {{":method", "GET"}, {":authority", "a"}, {":path", "/"}}, {}},
           Case{
               "no path", 400, {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}}, {}},
           Case{"a path with a fragment",
                400,
                {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/#a"}},
                {}},
           Case{"a path with UTF-8",
                400,
                {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/\xc3"}},
                {}},
           Case{"an absolute path",
                400,
                {{":method", "GET"},
                 {":scheme", "https"},
                 {":authority", "a"},
                 {":path", "http://b/"}},
                {}},
           Case{"* for GET",
                400,
                {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "*"}},
                {}},
           Case{"a path that is too long",
                414,
                {{":method", "GET"},
                 {":scheme", "https"},
                 {":authority", "a"},
                 {":path", long_path}},
                {}},
           Case{"TRACE",
                501,
                {{":method", "TRACE"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}},
                {}},
           Case{"CONNECT", 501, {{":method", "CONNECT"}, {":authority", "a:443"}}, {}},
           Case{"another protocol",
                501,
                {{":method", "CONNECT"},
                 {":protocol", "connect-udp"},
                 {":scheme", "https"},
                 {":authority", "a"},
                 {":path", "/"}},
                {}},
           Case{
               "no authority", 400, {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}, {}},
           Case{"a list as authority",
                400,
                {{":method", "GET"}, {":scheme", "https"}, {":authority", "a,b"}, {":path", "/"}},
                {}},
           Case{"user information",
                400,
                {{":method", "GET"}, {":scheme", "https"}, {":authority", "u@a"}, {":path", "/"}},
                {}},
       }) {
    CAPTURE(one.what);
    const ClientLimits limits;
    HeaderBlock block(limits);
    add(block, one.pseudo);
    add(block, one.fields);
    CHECK(status_of(block.finish(true)) == one.status);
  }
}

TEST_CASE("the rules of fields") {
  struct Case {
    std::string what;
    unsigned status;
    Lines fields;
  };
  for (const Case& one : {
           Case{"the same field twice", 0, {{"accept", "a"}, {"accept", "b"}}},
           Case{"the same host", 0, {{"host", "A.TEST"}}},
           Case{"another host", 400, {{"host", "b.test"}}},
           Case{"two hosts", 400, {{"host", "a.test"}, {"host", "a.test"}}},
           Case{"a name with a space", 400, {{"a b", "c"}}},
           Case{"an empty name", 400, {{"", "c"}}},
           Case{"a value with a line end", 400, {{"a", "b\r\nc: d"}}},
           Case{"a value with a null", 400, {{"a", std::string("b\0c", 3)}}},
           Case{"a cookie with a line end", 400, {{"cookie", "a\r\nb"}}},
           Case{"a bad expectation", 417, {{"expect", "tea"}}},
           Case{"a length with a space", 400, {{"content-length", " 5"}}},
           Case{"a negative length", 400, {{"content-length", "-5"}}},
           Case{"a length of 64 bits", 400, {{"content-length", "9223372036854775808"}}},
           Case{"a list of lengths", 400, {{"content-length", "5, 5"}}},
           Case{"the largest length", 0, {{"content-length", "9223372036854775807"}}},
       }) {
    CAPTURE(one.what);
    const ClientLimits limits;
    HeaderBlock block(limits);
    add_get(block);
    add(block, one.fields);
    CHECK(status_of(block.finish(false)) == one.status);
  }
}

TEST_CASE("the host may come as a field alone") {
  const ClientLimits limits;
  HeaderBlock block(limits);
  add(block, {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "b.test:8443"}});
  REQUIRE(block.finish(true) == nullptr);
  CHECK(block.head().authority == "b.test:8443");
  CHECK(block.head().host == "b.test");
  CHECK(value_of(block.head(), "host") == "(none)");
}

TEST_CASE("the length of a body") {
  const ClientLimits limits;
  HeaderBlock block(limits);
  add_get(block);
  REQUIRE(block.finish(false) == nullptr);
  CHECK(block.head().body == http::BodyLength::unknown);

  block.reset();
  add_get(block);
  add(block, {{"content-length", "12"}, {"expect", "100-continue"}});
  REQUIRE(block.finish(false) == nullptr);
  CHECK(block.head().body == http::BodyLength::known);
  CHECK(block.head().content_length == 12);
  CHECK(block.head().expects_continue);

  block.reset();
  add_get(block);
  add(block, {{"expect", "100-continue"}});
  REQUIRE(block.finish(true) == nullptr);
  CHECK(block.head().body == http::BodyLength::none);
  CHECK_FALSE(block.head().expects_continue);
}

TEST_CASE("a body that is larger than allowed is refused by its length") {
  ClientLimits limits;
  limits.body_size = 10;
  HeaderBlock block(limits);
  add_get(block);
  add(block, {{"content-length", "11"}});
  CHECK(status_of(block.finish(false)) == 413);
}

TEST_CASE("cookie crumbs are joined into one field behind the others") {
  const ClientLimits limits;
  HeaderBlock block(limits);
  for (int round = 0; round < 2; ++round) {
    block.reset();
    add_get(block);
    add(block, {{"cookie", "a=1"}, {"accept", "*/*"}, {"cookie", "b=2"}, {"cookie", "c=3"}});
    REQUIRE(block.finish(true) == nullptr);
    CHECK(value_of(block.head(), "cookie") == "a=1; b=2; c=3");
    CHECK(block.head().fields.size() == 2);
  }
  block.reset();
  add_get(block);
  REQUIRE(block.finish(true) == nullptr);
  CHECK(value_of(block.head(), "cookie") == "(none)");
}

TEST_CASE("empty crumbs are kept") {
  const ClientLimits limits;
  using Crumbs = std::vector<std::string>;
  for (const auto& [crumbs, joined] :
       {std::pair<Crumbs, std::string>{{""}, ""}, {{"", "a=1"}, "; a=1"}, {{"a=1", ""}, "a=1; "}}) {
    HeaderBlock block(limits);
    add_get(block);
    for (const std::string& crumb : crumbs) block.add("cookie", crumb);
    REQUIRE(block.finish(true) == nullptr);
    CHECK(value_of(block.head(), "cookie") == joined);
  }
}

TEST_CASE("a scheme in capitals is the same scheme") {
  const ClientLimits limits;
  HeaderBlock block(limits);
  add(block, {{":method", "GET"}, {":scheme", "HTTPS"}, {":authority", "a"}, {":path", "/"}});
  CHECK(block.finish(true) == nullptr);
}

TEST_CASE("a method may be as long as in HTTP/1.1") {
  const ClientLimits limits;
  for (const size_t extra : {54u, 55u}) {
    HeaderBlock block(limits);
    const std::string method(extra, 'A'), path = "/" + std::string(limits.target_size - 1, 'a');
    block.add(":method", method);
    block.add(":path", path);
    add(block, {{":scheme", "https"}, {":authority", "a"}});
    CHECK(status_of(block.finish(true)) == (extra == 54 ? 0 : 414));
  }
}

TEST_CASE("crumbs do not count as fields, but by their size") {
  ClientLimits limits;
  limits.head_fields = 4;
  HeaderBlock block(limits);
  add_get(block);
  for (int i = 0; i < 500; ++i) block.add("cookie", "a=1");
  CHECK(block.finish(true) == nullptr);
  for (int i = 0; i < 500; ++i) block.add("cookie", "a=1");
  CHECK(status_of(block.finish(true)) == 431);
}

TEST_CASE("the number of fields is capped") {
  for (const unsigned extra : {0u, 1u}) {
    CAPTURE(extra);
    ClientLimits limits;
    limits.head_fields = 16;
    HeaderBlock block(limits);
    add_get(block);
    for (unsigned i = 0; i < limits.head_fields + extra; ++i) block.add("a", "b");
    CHECK(status_of(block.finish(true)) == (extra == 0 ? 0u : 431u));
  }
}

TEST_CASE("the size is name, value and 32 for each field, and goes on counting beyond the cap") {
  ClientLimits limits;
  limits.head_size = 1024;
  const size_t head = 4 * 32 + std::string(":methodGET:schemehttps:authoritya.test:path/").size();
  for (const size_t extra : {0u, 1u}) {
    CAPTURE(extra);
    HeaderBlock block(limits);
    add_get(block);
    CHECK(block.total_size() == head);
    block.add("a", std::string(1024 - head - 33 + extra, 'b'));
    CHECK(block.total_size() == 1024 + extra);
    CHECK(status_of(block.finish(true)) == (extra == 0 ? 0u : 431u));
  }
  HeaderBlock bomb(limits);
  for (int i = 0; i < 100'000; ++i) bomb.add("a", "");
  CHECK(bomb.total_size() == 3'300'000);
  CHECK(status_of(bomb.finish(true)) == 431);
}

TEST_CASE("a WebSocket becomes an upgrade with a key of ours") {
  const ClientLimits limits;
  HeaderBlock block(limits);
  std::string first;
  for (int round = 0; round < 2; ++round) {
    block.reset();
    add(block, {{":method", "CONNECT"},
                {":protocol", "WebSocket"},
                {":scheme", "https"},
                {":authority", "a.test"},
                {":path", "/chat"},
                {"sec-websocket-version", "13"},
                {"sec-websocket-key", "the client's"},
                {"content-length", "5"}});
    REQUIRE(block.finish(false) == nullptr);
    const http::RequestHead& head = block.head();
    CHECK(block.is_extended_connect());
    CHECK(head.method == "GET");
    CHECK(head.target == "/chat");
    CHECK(head.upgrade == "websocket");
    CHECK(head.body == http::BodyLength::none);
    CHECK(value_of(head, "sec-websocket-version") == "13");
    const std::string key = value_of(head, "sec-websocket-key");
    CHECK(key.size() == 24);
    CHECK(key.ends_with("=="));
    // The last digit before the padding holds four bits that must be 0 (RFC 4648 3.5).
    CHECK(std::string("AQgw").find(key[21]) != std::string::npos);
    CHECK(key != first);
    first = key;
  }
  block.reset();
  add_get(block);
  REQUIRE(block.finish(true) == nullptr);
  CHECK_FALSE(block.is_extended_connect());
  CHECK(block.head().upgrade.empty());
}
