// Share: who has taken too much, and how long who misbehaves has to wait.
#include "proxy/net/shares.h"

#include <doctest/doctest.h>

#include "tests/proxy/front_end.h"
#include "tests/proxy/http2/frames.h"

using namespace dmpm;
using namespace dmpm::net;

namespace {

constexpr Instant at(int64_t ms) {
  return Instant(Milliseconds(ms));
}

}  // namespace

TEST_CASE("a share is used up by work and comes back with time") {
  Share share;
  CHECK_FALSE(share.overdrawn(at(1'000)));
  share.charge(at(1'000), 60'000);
  CHECK(share.overdrawn(at(1'000)));
  CHECK(share.overdrawn(at(1'090)));
  CHECK_FALSE(share.overdrawn(at(1'101)));
  // What is owed has an end.
  for (int i = 0; i < 1'000; ++i) share.charge(at(2'000), 1'000'000);
  CHECK(share.overdrawn(at(2'900)));
  CHECK_FALSE(share.overdrawn(at(3'001)));
}

TEST_CASE("a connection follows the group of its last request") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    test::FrontEnd front;
    const uint32_t flooded = front.add_site("a.test"), calm = front.add_site("b.test");
    front.charge(flooded, 1'000'000);
    auto client = http2 ? front.connect_http2() : front.connect();
    if (http2) client->send(test::hello());
    uint32_t stream = 1;
    const auto ask = [&](const std::string& host, uint32_t group) {
      const unsigned flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
      client->send(http2 ? test::frame(NGHTTP2_HEADERS, flags, std::exchange(stream, stream + 2),
                                       test::get_block(host))
                         : "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
      front.settle({client.get()});
      REQUIRE(front.accepted(group).size() == 1);
      front.accepted(group)[0]->send("HTTP/1.1 204 No Content\r\n\r\n");
      front.settle({client.get()});
      return client->group_overdrawn();
    };
    CHECK(ask("a.test", flooded));
    CHECK_FALSE(ask("b.test", calm));
    CHECK(ask("a.test", flooded));
  }
}

TEST_CASE("who misbehaved waits a moment, who does it again waits longer, one after the other") {
  Share share;
  CHECK(share.held(at(1'000)) == Milliseconds(0));
  share.hold_back(at(1'000));
  CHECK(share.held(at(1'000)) == Milliseconds(1'000));
  CHECK(share.held(at(1'000)) == Milliseconds(1'400));
  CHECK(share.held(at(1'100)) == Milliseconds(1'700));
  CHECK(share.held(at(2'000)) == Milliseconds(0));
  share.hold_back(at(5'000));
  CHECK(share.held(at(5'000)) == Milliseconds(2'000));
  CHECK(share.held(at(5'000)) == Milliseconds(3'000));
  for (int i = 0; i < 10; ++i) share.hold_back(at(6'000));
  CHECK(share.held(at(6'000)) == Milliseconds(4'000));
  // However many there are, each has its time.
  for (int i = 0; i < 100; ++i) CHECK(share.held(at(6'000)) <= Milliseconds(20'000));
  // Forgiven.
  share.hold_back(at(60'000));
  CHECK(share.held(at(60'000)) == Milliseconds(1'000));
}

TEST_CASE("handshakes that break now and then are nobody's fault, many are") {
  Share share;
  for (int i = 0; i < 100; ++i) {
    share.note_broken_handshake(at(1'000 + i * 250));
    CHECK(share.held(at(1'000 + i * 250)) == Milliseconds(0));
  }
  for (int i = 0; i < 60; ++i) share.note_broken_handshake(at(50'000 + i));
  CHECK(share.held(at(50'060)) > Milliseconds(0));
}
