// Http2Server over the in-process front end, with frames made by hand.
#include "proxy/http2/server.h"

#include <doctest/doctest.h>

#include "tests/proxy/front_end.h"
#include "tests/proxy/http2/frames.h"

using namespace dmpm;
using test::frame;
using test::FrontEnd;
using test::hello;

namespace {

// HPACK: ":method: POST", ":scheme: https", ":path: /" of the static table, ":authority" literally.
const std::string kPost = std::string("\x83\x87\x84\x01\x06") + "a.test";

// The sum of what the WINDOW_UPDATEs for `stream` in `output` open.
uint64_t opened(std::string_view output, uint32_t stream) {
  uint64_t sum = 0;
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(output[at]); };
  while (output.size() >= 9) {
    const size_t size = size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2);
    const uint32_t id = uint32_t{byte(7)} << 8 | byte(8);
    if (byte(3) == NGHTTP2_WINDOW_UPDATE && id == stream) {
      sum +=
          uint64_t{byte(9)} << 24 | uint64_t{byte(10)} << 16 | uint64_t{byte(11)} << 8 | byte(12);
    }
    output.remove_prefix(std::min(output.size(), 9 + size));
  }
  return sum;
}

}  // namespace

TEST_CASE("the connection's window comes back when a stream ends whose body nobody took") {
  FrontEnd front;
  front.add_site("a.test", 1);
  auto first = front.connect();  // takes the worker's only place
  first->send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  front.settle({first.get()});

  auto client = front.connect_http2();
  client->send(NGHTTP2_CLIENT_MAGIC + frame(NGHTTP2_SETTINGS, 0, 0, {}));
  front.settle({client.get()});
  uint64_t window = 65'535 + opened(client->take_received(), 0);
  REQUIRE(window == http2::Http2Server::kConnectionWindow);
  uint64_t sent = 0;
  const std::string piece(16'000, 'a');
  // More than the window in all, were nothing given back.
  for (uint32_t stream = 1; stream < 60; stream += 2) {
    client->send(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream, kPost));
    for (int i = 0; i < 4 && sent + piece.size() <= window; ++i, sent += piece.size()) {
      client->send(frame(NGHTTP2_DATA, 0, stream, piece));
    }
    const std::string_view cancel("\0\0\0\x08", 4);
    client->send(frame(NGHTTP2_RST_STREAM, 0, stream, cancel));
    front.settle({client.get()});
    window += opened(client->take_received(), 0);
  }
  CHECK_FALSE(client->closed());
  CHECK(window > http2::Http2Server::kConnectionWindow);
  CHECK(window - sent >= http2::Http2Server::kConnectionWindow / 2);
}

namespace {

const std::string kGet = test::get_block("a.test");

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

// The error of the first GOAWAY in `output`; -1 without one.
int goaway(std::string_view output) {
  while (output.size() >= 17) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(output[at]); };
    if (byte(3) == NGHTTP2_GOAWAY) return byte(16);
    const size_t size = size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2);
    output.remove_prefix(std::min(output.size(), 9 + size));
  }
  return -1;
}

void wait(EventLoop& loop, Milliseconds time) {
  struct Alarm final : TimerHandler {
    explicit Alarm(EventLoop& events) : loop(events), timer(events, *this) {}
    void on_timer() override { loop.stop(); }
    EventLoop& loop;
    Timer timer;
  } alarm(loop);
  alarm.timer.set(time);
  loop.run();
}

}  // namespace

TEST_CASE("requests that come in one read are all served, in more than one turn") {
  FrontEnd front;
  const uint32_t group = front.add_site("a.test", 128);
  auto client = front.connect_http2();
  std::string burst = hello();
  for (uint32_t stream = 1; stream < 2 * 60; stream += 2) {
    burst +=
        frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream, kGet);
  }
  client->session().on_data(burst);
  // Not so many at once: the rest waits, and nothing more is read meanwhile.
  CHECK(client->session().wanted() == 0);
  front.settle({client.get()});
  CHECK(client->session().wanted() > 0);
  CHECK(front.accepted(group).size() == 60);
}

TEST_CASE("a body's end is seen wherever a turn ends") {
  for (size_t frames = 60; frames < 110; ++frames) {
    CAPTURE(frames);
    FrontEnd front;
    const uint32_t group = front.add_site("a.test", 1);
    auto client = front.connect_http2();
    std::string request = hello() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, kPost);
    for (size_t i = 1; i < frames; ++i) request += frame(NGHTTP2_DATA, 0, 1, "x");
    client->send(request + frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "x"));
    front.settle({client.get()});
    REQUIRE(front.accepted(group).size() == 1);
    const std::string& received = front.accepted(group)[0]->received();
    const std::string_view body = std::string_view(received).substr(received.find("\r\n\r\n"));
    CHECK(count(body, "x") == frames);
    CHECK(received.ends_with("0\r\n\r\n"));
  }
}

TEST_CASE("a connection that has rested answers as before") {
  FrontEnd front;
  const uint32_t group = front.add_site("a.test", 2);
  auto client = front.connect_http2();
  client->send(hello());
  for (uint32_t stream = 1; stream < 6; stream += 2) {
    client->send(
        frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream, kGet));
    front.settle({client.get()});
    front.accepted(group)[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrest");
    front.settle({client.get()});
    CHECK(client->session().on_deadline() <= http2::Http2Server::kRest);  // not yet
    CHECK(count(client->take_received(), "rest") == 1);
    wait(front.loop(), http2::Http2Server::kRest + Milliseconds(20));  // its clock is a coarse one
    CHECK(client->session().on_deadline() > http2::Http2Server::kRest);
    front.settle({client.get()});
    CHECK(client->take_received().empty());
  }
}

TEST_CASE("heads that repeat what HPACK's table holds are a waste, large ones are not") {
  // An entry of about 4 KB, which a byte stands for from then on.
  const auto literal = [](char first, size_t size) {
    const size_t more = size - 127;
    return std::string{first,
                       1,
                       'x',
                       '\x7f',
                       static_cast<char>((more & 127) | 128),
                       static_cast<char>(more >> 7)} +
           std::string(size, 'v');
  };
  for (const bool repeats : {true, false}) {
    CAPTURE(repeats);
    FrontEnd front;
    front.add_site("a.test", 128);
    auto client = front.connect_http2();
    const unsigned flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
    client->send(hello() + frame(NGHTTP2_HEADERS, flags, 1, kGet + literal('\x40', 4000)));
    front.settle({client.get()});
    for (uint32_t stream = 3; stream < 63; stream += 2) {
      const std::string fields =
          repeats ? std::string(7, '\xbe') : literal('\x00', 4000) + literal('\x00', 4000);
      client->send(frame(NGHTTP2_HEADERS, flags, stream, kGet + fields));
      front.settle({client.get()});
    }
    CHECK(goaway(client->received()) == (repeats ? int{NGHTTP2_ENHANCE_YOUR_CALM} : -1));
  }
}

TEST_CASE("large heads that come in pieces are no waste") {
  FrontEnd front;
  front.add_site("a.test", 128);
  auto client = front.connect_http2();
  client->send(hello());
  const unsigned flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
  const std::string field =
      std::string("\x00\x01x\x7f\x99\x74", 6) + std::string(127 + 0x19 + 128 * 0x74, 'v');
  for (uint32_t stream = 1; stream < 2 * 100; stream += 2) {
    const std::string request = frame(NGHTTP2_HEADERS, flags, stream, kGet + field);
    client->send(std::string_view(request).substr(0, request.size() - 10));
    front.settle({client.get()});
    client->send(std::string_view(request).substr(request.size() - 10));
    front.settle({client.get()});
  }
  CHECK(goaway(client->received()) == -1);
}

TEST_CASE("a client may open both windows for each of many small answers") {
  constexpr uint32_t kAtOnce = 20;
  FrontEnd front;
  const uint32_t group = front.add_site("a.test", kAtOnce);
  auto client = front.connect_http2();
  client->send(hello());
  const unsigned flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
  for (uint32_t stream = 1; stream < 2 * 6000;) {
    std::string requests, updates;
    for (const uint32_t end = stream + 2 * kAtOnce; stream < end; stream += 2) {
      requests += frame(NGHTTP2_HEADERS, flags, stream, kGet);
      for (const uint32_t of : {stream, 0U}) {
        updates += frame(NGHTTP2_WINDOW_UPDATE, 0, of, std::string_view("\0\0\0\x01", 4));
      }
    }
    client->send(requests);
    front.settle({client.get()});
    for (auto& worker : front.accepted(group)) {
      worker->send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.");
    }
    front.settle({client.get()});
    client->send(updates);
    front.settle({client.get()});
  }
  CHECK(goaway(client->received()) == -1);
  CHECK_FALSE(client->closed());
}

TEST_CASE("who does not read the heads of streams that it resets is not listened to") {
  FrontEnd front;
  const uint32_t group = front.add_site("a.test", 128);
  auto client = front.connect_http2();
  client->send(hello());
  front.settle({client.get()});
  client->set_unsent(1 << 17);  // nothing leaves any more
  const unsigned flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: " + std::string(8'000, 'x') + "\r\n\r\n";
  int answered = 0;
  for (uint32_t stream = 1; client->session().wanted() > 0 && answered < 180; stream += 2) {
    client->send(frame(NGHTTP2_HEADERS, flags, stream, kGet));
    front.settle({client.get()});
    front.accepted(group).back()->send(head);
    front.settle({client.get()});
    ++answered;
    client->send(frame(NGHTTP2_RST_STREAM, 0, stream, std::string_view("\0\0\0\x08", 4)));
    front.settle({client.get()});
  }
  CHECK(answered > 100);
  CHECK(answered < 140);
  client->set_unsent(0);
  front.settle({client.get()});
  CHECK(client->session().wanted() > 0);
  CHECK(goaway(client->received()) == -1);
}

TEST_CASE("trailers of a stream that was reset cost more than their bytes") {
  const std::string empty = frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, {});
  for (const bool many : {false, true}) {
    CAPTURE(many);
    FrontEnd front;
    front.add_site("a.test", 128);
    auto client = front.connect_http2();
    // Trailers without END_STREAM are malformed (RFC 9113 8.1): the stream is reset.
    client->send(hello() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, kPost) + empty);
    front.settle({client.get()});
    client->take_received();
    std::string frames;
    for (int i = 0; i < (many ? 5000 : 2000); ++i) frames += empty;
    client->send(frames);
    front.settle({client.get()});
    CHECK(goaway(client->received()) == (many ? int{NGHTTP2_ENHANCE_YOUR_CALM} : -1));
  }
}
