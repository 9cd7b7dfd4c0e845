#include "proxy/http/request_rules.h"

#include <doctest/doctest.h>

#include "proxy/http/forwarding.h"

using namespace dmpm::http;

namespace {

unsigned status_of(const Rejection* why) {
  return why == nullptr ? 0 : why->status;
}

Field field_of(std::string_view name, std::string_view value) {
  return {name, value, classify_field(name), true};
}

}  // namespace

TEST_CASE("methods and targets") {
  struct Case {
    std::string method;
    std::string target;
    unsigned status;
  };
  for (const auto& [method, target, status] : {
           Case{"GET", "/", 0},
           {"OPTIONS", "*", 0},
           {"OPTIONS", "/", 0},
           {"PROPFIND", "/a", 0},
           {"get", "/", 0},
           {"GET", "*", 400},
           {"options", "*", 400},
           {"GET", "/#a", 400},
           {"GET", "", 400},
           {"GET", "a", 400},
           {"GET", "http://a/", 400},
           {"CONNECT", "a:443", 501},
           {"CONNECT", "/", 501},
           {"TRACE", "/", 501},
       }) {
    const auto& captured_method = method;  // lambdas cannot capture a binding
    CAPTURE(captured_method);
    const auto& captured_target = target;  // lambdas cannot capture a binding
    CAPTURE(captured_target);
    RequestHead head;
    head.method = method;
    head.target = target;
    CHECK(status_of(check_target(head)) == status);
  }
}

TEST_CASE("the host is the authority without its port") {
  RequestHead head;
  head.authority = "A.test:8443";
  CHECK(check_authority(head) == nullptr);
  CHECK(head.host == "A.test");
  CHECK(head.authority == "A.test:8443");
  head.authority = "user@a.test";
  CHECK(check_authority(head) == &kBadHost);
}

TEST_CASE("Expect") {
  struct Case {
    std::string value;
    bool http_1_0;
    unsigned status;
    bool expects, forwarded;
  };
  for (const auto& [value, http_1_0, status, expects, forwarded] : {
           Case{"100-continue", false, 0, true, true},
           {"100-Continue", false, 0, true, true},
           {"100-continue", true, 0, false, false},
           {"tea", true, 0, false, false},
           {"tea", false, 417, false, true},
           {"", false, 417, false, true},
           {"100-continue, tea", false, 417, false, true},
       }) {
    const auto& captured_value = value;  // lambdas cannot capture a binding
    CAPTURE(captured_value);
    const auto& captured_http_1_0 = http_1_0;  // lambdas cannot capture a binding
    CAPTURE(captured_http_1_0);
    RequestHead head;
    head.http_1_0 = http_1_0;
    Field field = field_of("Expect", value);
    CHECK(status_of(read_field(field, head)) == status);
    CHECK(head.expects_continue == expects);
    if (status == 0) CHECK(field.forward == forwarded);
  }
}

TEST_CASE("TE: trailers") {
  for (const auto& [value, accepts] : {std::pair{"trailers", true},
                                       {"Trailers", true},
                                       {" gzip , trailers ", true},
                                       {"gzip,\ttrailers", true},
                                       {"trailer", false},
                                       {"", false},
                                       {",,", false},
                                       {"trailers;q=0", false},
                                       {"xtrailers", false}}) {
    const auto& captured_value = value;  // lambdas cannot capture a binding
    CAPTURE(captured_value);
    RequestHead head;
    Field field = field_of("TE", value);
    CHECK(read_field(field, head) == nullptr);
    CHECK(head.accepts_trailers == accepts);
    CHECK_FALSE(field.forward);
  }
}

TEST_CASE("which fields a worker gets") {
  for (const char* name :
       {"Accept", "Cookie", "Authorization", "Content-Type", "Cache-Control", "Date", "Via",
        "X-Forwarded", "X-Forward-For", "Proxys", "A-1", "Sec-WebSocket-Key", "1"}) {
    CAPTURE(name);
    CHECK(forwards_to_worker(field_of(name, "")));
  }
  for (const char* name : {"Host",
                           "Content-Length",
                           "Transfer-Encoding",
                           "Connection",
                           "Keep-Alive",
                           "Proxy-Connection",
                           "Proxy-Authenticate",
                           "Proxy-Authorization",
                           "TE",
                           "Trailer",
                           "Upgrade",
                           "HTTP2-Settings",
                           "Forwarded",
                           "X-Forwarded-For",
                           "X-Forwarded-Anything",
                           "X-Real-IP",
                           "Proxy",
                           "A_B",
                           "X_Forwarded_For",
                           "X.Forwarded.For",
                           "A!",
                           "Content_Length",
                           "_"}) {
    CAPTURE(name);
    CHECK_FALSE(forwards_to_worker(field_of(name, "")));
  }
}

TEST_CASE("which fields a client gets") {
  for (const char* name :
       {"Server", "Set-Cookie", "Date", "X_Y", "Forwarded", "WWW-Authenticate"}) {
    CAPTURE(name);
    CHECK(forwards_to_client(field_of(name, "")));
  }
  for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
                           "Proxy-Connection", "Proxy-Authenticate", "TE", "Trailer", "Upgrade"}) {
    CAPTURE(name);
    CHECK_FALSE(forwards_to_client(field_of(name, "")));
  }
}

TEST_CASE("what may be upgraded to") {
  for (const char* good : {"websocket", "WebSocket", "irc/1.0", "connect-udp"}) {
    CAPTURE(good);
    CHECK(may_upgrade_to(good));
  }
  for (const char* bad : {"", "h2c", "H2C", "h2", "HTTP/2.0", "http", "TLS/1.0", "tls", "/1",
                          "websocket, h2c", "websocket h2c", "a\tb", "web(socket)"}) {
    CAPTURE(bad);
    CHECK_FALSE(may_upgrade_to(bad));
  }
}

TEST_CASE("a request head for a worker") {
  const Field fields[] = {{"A", "1", FieldName::other, true},
                          {"Host", "evil", FieldName::host, false},
                          {"B", "", FieldName::other, true}};
  RequestHead head;
  head.method = "GET";
  head.target = "/x?y";
  head.authority = "A.test:443";
  head.fields = fields;
  const ClientInfo client{"2001:db8::1", false, 0};
  const std::string start =
      "GET /x?y HTTP/1.1\r\nHost: A.test:443\r\nA: 1\r\nB: \r\nX-Forwarded-For: 2001:db8::1\r\n"
      "X-Forwarded-Proto: http\r\nX-Forwarded-Host: A.test:443\r\n"
      "Forwarded: for=\"[2001:db8::1]\";host=\"A.test:443\";proto=http\r\n";
  std::string out;
  append_request_head(out, head, client);
  CHECK(out == start + "\r\n");

  out.clear();
  head.body = BodyLength::known;
  head.content_length = UINT64_MAX;
  append_request_head(out, head, client);
  CHECK(out == start + "Content-Length: 18446744073709551615\r\n\r\n");

  out.clear();
  head.body = BodyLength::unknown;
  append_request_head(out, head, client);
  CHECK(out == start + "Transfer-Encoding: chunked\r\n\r\n");

  out.clear();
  head.body = BodyLength::none;
  head.upgrade = "websocket";
  append_request_head(out, head, client);
  CHECK(out == start + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("an empty body is said to be one where the method is expected to have one") {
  for (const auto& [method, length] : {std::pair{"GET", false},
                                       {"POST", true},
                                       {"PUT", true},
                                       {"PATCH", true},
                                       {"DELETE", false},
                                       {"post", false}}) {
    const auto& captured_method = method;  // lambdas cannot capture a binding
    CAPTURE(captured_method);
    RequestHead head;
    head.method = method;
    head.target = "/";
    head.authority = "a.test";
    std::string out;
    append_request_head(out, head, {});
    CHECK(out.ends_with("\r\nContent-Length: 0\r\n\r\n") == length);
  }
}
