// Connections to workers that get the PROXY protocol, over the in-process front end: each begins with
// the header of the client whom it serves, and never serves another.
#include "proxy/forward/private_connections.h"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <random>

#include "proxy/limits.h"
#include "tests/proxy/front_end.h"

using namespace dmpm;
using test::FrontEnd;
using test::MemoryClient;
using test::WorkerEnd;

namespace {

using Client = std::unique_ptr<MemoryClient>;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr char kPost[] = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

http::ClientInfo info(uint16_t port) {
  http::ClientInfo info;
  info.address = "192.0.2.7";
  info.port = port;
  return info;
}

// MemoryClient's arrival is that of a client that asked for a.test over HTTP/1.1.
std::string header(uint16_t port, std::string_view name = "a.test") {
  return forward::proxy_header(info(port), {"192.0.2.1", 443, "http/1.1", ""}, name);
}

constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

struct Site {
  explicit Site(uint32_t capacity = 16) : group(front.add_site("a.test", capacity, true)) {}

  Client connect(uint16_t port) { return front.connect(info(port)); }
  void send(const Client& client, std::string_view bytes) {
    client->send(bytes);
    front.settle({client.get()});
  }
  auto& accepted() { return front.accepted(group); }
  // The worker answers on its connection `index`; the client has it.
  void answer(const Client& client, size_t index) {
    accepted().at(index)->send(kOk);
    front.settle({client.get()});
    CHECK(client->take_received().ends_with("\r\n\r\nok"));
  }

  FrontEnd front;
  uint32_t group;
};

}  // namespace

TEST_CASE("a connection begins with its client's header, and only begins with it") {
  Site site;
  const Client client = site.connect(1001);
  for (int round = 0; round < 3; ++round) {
    site.send(client, kGet);
    REQUIRE(site.accepted().size() == 1);
    const std::string got = site.accepted()[0]->take_received();
    CHECK(got.starts_with(round == 0 ? header(1001) + "GET / HTTP/1.1\r\n" : "GET / HTTP/1.1\r\n"));
    site.answer(client, 0);
  }
}

TEST_CASE("each client has connections of its own") {
  Site site;
  const Client first = site.connect(1001), second = site.connect(1002);
  for (int round = 0; round < 3; ++round) {
    site.send(first, kGet);
    site.answer(first, 0);
    site.send(second, kGet);
    site.answer(second, 1);
  }
  REQUIRE(site.accepted().size() == 2);
  CHECK(site.accepted()[0]->received().starts_with(header(1001)));
  CHECK(site.accepted()[1]->received().starts_with(header(1002)));
}

TEST_CASE("a client's idle connections end with it") {
  Site site;
  Client client = site.connect(1001);
  site.send(client, kGet);
  site.answer(client, 0);
  CHECK_FALSE(site.accepted()[0]->ended());
  client.reset();
  site.front.settle();
  CHECK(site.accepted()[0]->ended());
}

TEST_CASE("a client that leaves in the middle of a response leaves no connection behind") {
  Site site;
  Client client = site.connect(1001);
  site.send(client, kGet);
  site.accepted()[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf");
  site.front.settle({client.get()});
  client.reset();
  site.front.settle();
  CHECK(site.accepted()[0]->ended());
}

TEST_CASE("an idle connection gives way where the worker takes no more") {
  Site site(1);
  const Client first = site.connect(1001), second = site.connect(1002);
  site.send(first, kGet);
  site.answer(first, 0);
  site.send(second, kGet);
  REQUIRE(site.accepted().size() == 2);
  CHECK(site.accepted()[0]->ended());
  CHECK(site.accepted()[1]->received().starts_with(header(1002)));
  // While that is busy, the first one waits for it and then gets a connection of its own again.
  site.send(first, kGet);
  CHECK(site.accepted().size() == 2);
  site.answer(second, 1);
  site.front.settle({first.get()});
  REQUIRE(site.accepted().size() == 3);
  CHECK(site.accepted()[1]->ended());
  CHECK(site.accepted()[2]->received().starts_with(header(1001)));
  site.answer(first, 2);
  CHECK(site.front.failures().empty());
}

TEST_CASE("only as many give way as must") {
  Site site(2);
  const Client first = site.connect(1001), second = site.connect(1002), third = site.connect(1003);
  site.send(first, kGet);
  site.answer(first, 0);
  site.send(second, kGet);
  site.answer(second, 1);
  site.send(third, kGet);
  CHECK(site.accepted().at(0)->ended());  // idle for the longest
  CHECK_FALSE(site.accepted().at(1)->ended());
  site.answer(third, 2);
}

TEST_CASE(
    "a request on a connection that the worker had ended goes to a new one, with its header") {
  Site site;
  const Client client = site.connect(1001);
  site.send(client, kGet);
  site.answer(client, 0);
  site.accepted()[0]->take_received();
  site.accepted()[0]->close();
  // Not settled: it is learned only as the connection is used.
  site.send(client, kGet);
  REQUIRE(site.accepted().size() == 2);
  CHECK(site.accepted()[1]->received().starts_with(header(1001) + "GET / HTTP/1.1\r\n"));
  site.answer(client, 1);
  CHECK(site.front.failures().empty());
}

TEST_CASE("a body is sent behind header and head") {
  Site site;
  const Client client = site.connect(1001);
  site.send(client, kPost);
  const std::string& got = site.accepted().at(0)->received();
  CHECK(got.starts_with(header(1001) + "POST / HTTP/1.1\r\n"));
  CHECK(got.ends_with("\r\n\r\nx"));
  site.answer(client, 0);
}

TEST_CASE("a tunnel's connection ends with it") {
  Site site;
  const Client client = site.connect(1001);
  site.send(client,
            "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  REQUIRE(site.accepted().size() == 1);
  WorkerEnd& worker = *site.accepted()[0];
  CHECK(worker.take_received().starts_with(header(1001) + "GET / "));
  worker.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  site.front.settle({client.get()});
  site.send(client, "ping");
  CHECK(worker.received() == "ping");
  client->end_input();
  worker.half_close();
  site.front.settle({client.get()});
  CHECK(worker.ended());
}

TEST_CASE("the name that a client asked for is told to the workers of its site only") {
  FrontEnd front;
  front.add_site("a.test", 16, true);
  const uint32_t other = front.add_site("b.test", 16, true);
  const Client client = front.connect(info(1001));
  client->send("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n");
  front.settle({client.get()});
  CHECK(front.accepted(other).at(0)->received().starts_with(header(1001, "") + "GET / "));
}

TEST_CASE("a client that asks many sites keeps few connections") {
  FrontEnd front;
  std::vector<uint32_t> groups;
  constexpr size_t kSites = limits::kMaxPrivateConnections + 2;
  const Client client = front.connect(info(1001));
  for (size_t i = 0; i < kSites; ++i) {
    const std::string name = "s" + std::to_string(i) + ".test";
    groups.push_back(front.add_site(name, 16, true));
    client->send("GET / HTTP/1.1\r\nHost: " + name + "\r\n\r\n");
    front.settle({client.get()});
    front.accepted(groups.back()).at(0)->send(kOk);
    front.settle({client.get()});
    CHECK(client->take_received().ends_with("ok"));
  }
  for (size_t i = 0; i < kSites; ++i) {
    CAPTURE(i);
    CHECK(front.accepted(groups[i])[0]->ended() == (i < 2));
  }
}

namespace {

// Clients come and go, ask, and are answered, in any order; workers end connections as they like.
class Crowd {
 public:
  Crowd(unsigned seed, uint32_t capacity) : random_(seed), site_(capacity) {}

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      switch (pick(8)) {
        case 0: come(); break;
        case 1: go(); break;
        case 2:
        case 3:
        case 4: ask(); break;
        case 5: end_one(); break;
        default: answer_one();
      }
      settle();
      read();
    }
  }
  size_t answers() const { return answers_; }
  size_t connections() { return site_.accepted().size(); }

 private:
  struct Visitor {
    Client client;
    std::deque<std::string> asked;
  };
  struct Stream {
    std::string bytes;
    std::string owner;  // the header that it began with
    std::deque<std::string> unanswered;
  };

  size_t pick(size_t count) { return random_() % count; }
  void come() {
    if (visitors_.size() >= 6) return;
    const uint16_t port = next_port_++;
    visitors_[port] = {site_.connect(port), {}};
  }
  void go() {
    if (!visitors_.empty()) visitors_.erase(any()->first);
  }
  std::map<uint16_t, Visitor>::iterator any() {
    return std::next(visitors_.begin(), static_cast<ptrdiff_t>(pick(visitors_.size())));
  }
  void ask() {
    if (visitors_.empty()) return;
    auto& [port, visitor] = *any();
    const std::string name = std::to_string(port) + "-" + std::to_string(++requests_);
    visitor.client->send("GET /" + name + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
    visitor.asked.push_back(name);
  }
  // One of the live connections that have, or have not, something to answer; null: there is none.
  WorkerEnd* any_end(bool busy) {
    std::vector<WorkerEnd*> found;
    for (auto& end : site_.accepted()) {
      if (!end->open() || end->ended()) continue;
      if (streams_[end.get()].unanswered.empty() != busy) found.push_back(end.get());
    }
    return found.empty() ? nullptr : found[pick(found.size())];
  }
  // Only an idle one: a request in flight would rightly fail.
  void end_one() {
    if (WorkerEnd* end = any_end(false)) end->close();
  }
  void answer_one() {
    WorkerEnd* end = any_end(true);
    if (end == nullptr) return;
    auto& unanswered = streams_[end].unanswered;
    end->send("HTTP/1.1 200 OK\r\nX-For: " + unanswered.front() + "\r\nContent-Length: 0\r\n\r\n");
    unanswered.pop_front();
  }
  void settle() {
    site_.front.settle();
    bool progress = true;
    while (progress) {
      progress = false;
      for (auto& [port, visitor] : visitors_) progress |= visitor.client->pump();
      site_.front.settle();
    }
  }
  // What workers and clients have got.
  void read() {
    for (auto& end : site_.accepted()) {
      if (!end->open()) continue;
      Stream& stream = streams_[end.get()];
      stream.bytes += end->take_received();
      size_t size = 0;
      while ((size = stream.bytes.find("\r\n\r\n", stream.owner.empty() ? kSignature.size() : 0)) !=
             std::string::npos) {
        take_request(stream, stream.bytes.substr(0, size + 4));
        stream.bytes.erase(0, size + 4);
      }
    }
    for (auto& [port, visitor] : visitors_) read_answers(visitor);
  }
  void take_request(Stream& stream, std::string_view bytes) {
    if (stream.owner.empty()) {
      const size_t get = bytes.find("GET ");
      REQUIRE(get != std::string_view::npos);
      stream.owner = bytes.substr(0, get);
      bytes.remove_prefix(get);
    }
    REQUIRE(bytes.starts_with("GET /"));
    const std::string name(bytes.substr(5, bytes.find(' ', 5) - 5));
    // Whoever asks, the connection is his.
    CHECK(stream.owner == header(static_cast<uint16_t>(std::stoul(name))));
    stream.unanswered.push_back(name);
  }
  void read_answers(Visitor& visitor) {
    const std::string received = visitor.client->take_received();
    for (size_t at = 0; (at = received.find("X-For: ", at)) != std::string::npos;) {
      at += 7;
      REQUIRE_FALSE(visitor.asked.empty());
      CHECK(received.substr(at, received.find('\r', at) - at) == visitor.asked.front());
      visitor.asked.pop_front();
      ++answers_;
    }
    CHECK(received.find(" 50") == std::string::npos);
  }

  std::minstd_rand random_;
  Site site_;
  std::map<WorkerEnd*, Stream> streams_;
  std::map<uint16_t, Visitor> visitors_;  // before the site's end
  uint16_t next_port_ = 1000;
  size_t requests_ = 0, answers_ = 0;
};

}  // namespace

TEST_CASE("in any order of events a connection serves the client of its header and nobody else") {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    for (const uint32_t capacity : {1U, 2U, 16U}) {
      CAPTURE(seed);
      CAPTURE(capacity);
      Crowd crowd(seed, capacity);
      crowd.run(600);
      CHECK(crowd.answers() > 30);
      CHECK(crowd.connections() > 10);
    }
  }
}
