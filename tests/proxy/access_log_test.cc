// What is told of exchanges, through the whole data path; and what becomes of it when the logger does
// not listen.
#include "proxy/access_log.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cstring>

#include "base/channel.h"
#include "tests/proxy/front_end.h"

using namespace dmpm;
using exchange_protocol::kNoTime;
using exchange_protocol::MessageHead;
using exchange_protocol::Outcome;
using exchange_protocol::Protocol;
using exchange_protocol::Record;
using exchange_protocol::Text;
using test::FrontEnd;

namespace {

constexpr const char* kRequest =
    "GET /a?b HTTP/1.1\r\nHost: A.test:443\r\nReferer: r\r\nUser-Agent: u a\r\n\r\n";

// The only one.
FrontEnd::Logged logged(FrontEnd& front) {
  auto all = front.take_logged();
  REQUIRE(all.size() == 1);
  return std::move(all.front());
}

// A channel's end that is read by the test, a log that writes to the other.
struct Told {
  EventLoop loop;
  DeadlineWheel wheel{loop};
  Fd logger;
  metrics::Counter dropped{};
  std::unique_ptr<AccessLog> log;

  Told() {
    auto pair = Channel::pair();
    REQUIRE(pair.ok());
    logger = std::move(pair->ours);
    log = std::make_unique<AccessLog>(loop, wheel, std::move(pair->theirs), dropped);
  }
  void append(size_t text) {
    Record record;
    record.text_size[Text::target] = static_cast<uint16_t>(text);
    record.size = static_cast<uint32_t>(sizeof record + text);
    log->append(record, std::string(text, 'x'));
  }
  // The head of the next message, with no records when there is none.
  MessageHead hear() const {
    std::vector<char> bytes(Channel::kMaxMessage);
    MessageHead head;
    if (::recv(logger.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
      std::memcpy(&head, bytes.data(), sizeof head);
    }
    return head;
  }
};

}  // namespace

TEST_CASE("an exchange over HTTP/1.1") {
  FrontEnd front;
  front.log_exchanges();
  const uint32_t group = front.add_site("a.test");
  auto client = front.connect();
  client->send(kRequest);
  front.settle({client.get()});
  front.accepted(group)[0]->send("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello");
  front.settle({client.get()});
  const FrontEnd::Logged one = logged(front);
  CHECK(one.record.virtual_host == group);
  CHECK(one.record.status == 201);
  CHECK(one.record.body_sent == 5);
  CHECK(one.record.protocol == Protocol::http_1_1);
  CHECK(one.record.outcome == Outcome::complete);
  CHECK(one.record.connection_requests == 1);
  CHECK(one.record.tls == 0);
  CHECK(one.record.queue != kNoTime);
  CHECK(one.record.first_byte <= one.record.total);
  CHECK(one.texts[Text::client] == "192.0.2.7");
  CHECK(one.texts[Text::method] == "GET");
  CHECK(one.texts[Text::target] == "/a?b");
  CHECK(one.texts[Text::host] == "A.test:443");
  CHECK(one.texts[Text::referer] == "r");
  CHECK(one.texts[Text::user_agent] == "u a");
  CHECK(one.texts[Text::error_id].empty());

  client->send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
  front.settle({client.get()});
  front.accepted(group)[0]->send("HTTP/1.1 204 No Content\r\n\r\n");
  front.settle({client.get()});
  const FrontEnd::Logged two = logged(front);
  CHECK(two.record.status == 204);
  CHECK(two.record.body_received == 3);
  CHECK(two.record.body_sent == 0);
  CHECK(two.record.connection_requests == 2);
  CHECK(two.record.tls == kNoTime);  // told with the connection's first
  CHECK(two.texts[Text::referer].empty());
}

TEST_CASE("what is not to be logged is not") {
  FrontEnd front;
  const uint32_t silent = front.add_site("a.test");
  front.log_exchanges();
  const uint32_t spoken = front.add_site("b.test");
  auto client = front.connect();
  for (const uint32_t group : {silent, spoken}) {
    client->send(group == silent ? "GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n"
                                 : "GET /b HTTP/1.1\r\nHost: b.test\r\n\r\n");
    front.settle({client.get()});
    front.accepted(group)[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    front.settle({client.get()});
  }
  CHECK(logged(front).texts[Text::target] == "/b");
}

TEST_CASE("a request that is rejected, before it is understood and later") {
  FrontEnd front;
  front.log_exchanges();
  front.add_site("a.test");
  auto client = front.connect();
  client->send("GET / HTTP/1.1\r\nBad Name: x\r\n\r\n");
  front.settle({client.get()});
  const FrontEnd::Logged bad = logged(front);
  CHECK(bad.record.status == 400);
  CHECK(bad.record.virtual_host == exchange_protocol::kNoVirtualHost);
  CHECK(bad.texts[Text::method].empty());
  CHECK(bad.texts[Text::error_id] == "testid");
  CHECK(bad.record.body_sent > 0);

  client = front.connect();
  client->send("GET /u HTTP/1.1\r\nHost: unknown.test\r\n\r\n");
  front.settle({client.get()});
  const FrontEnd::Logged unknown = logged(front);
  CHECK(unknown.record.status == 421);
  CHECK(unknown.record.virtual_host == exchange_protocol::kNoVirtualHost);
  CHECK(unknown.texts[Text::target] == "/u");

  // In the middle of its body: one record, of what was asked for.
  client = front.connect();
  client->send(
      "POST /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n");
  front.settle({client.get()});
  const FrontEnd::Logged chunked = logged(front);
  CHECK(chunked.record.status == 400);
  CHECK(chunked.record.virtual_host == 1);
  CHECK(chunked.record.outcome == Outcome::complete);
  CHECK(chunked.record.body_received == 1);
  CHECK(chunked.texts[Text::target] == "/c");
  CHECK(chunked.texts[Text::error_id] == "testid");
}

TEST_CASE("a worker that fails, before the head and after it") {
  FrontEnd front;
  front.log_exchanges();
  const uint32_t group = front.add_site("a.test");
  front.fail_starts(group, "no such file");
  auto client = front.connect();
  client->send(kRequest);
  front.settle({client.get()});
  FrontEnd::Logged failed = logged(front);
  CHECK(failed.record.status == 503);
  CHECK(failed.record.outcome == Outcome::complete);
  CHECK(failed.texts[Text::error_id] == "testid");

  const uint32_t other = front.add_site("b.test");
  client->send("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n");
  front.settle({client.get()});
  front.accepted(other)[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  front.settle({client.get()});
  front.accepted(other)[0]->close();
  front.settle({client.get()});
  failed = logged(front);
  CHECK(failed.record.status == 200);
  CHECK(failed.record.outcome == Outcome::aborted);
  CHECK(failed.record.body_sent == 4);
  CHECK(failed.texts[Text::error_id] == "testid");
}

TEST_CASE("a client that leaves, before the head and after it") {
  FrontEnd front;
  front.log_exchanges();
  const uint32_t group = front.add_site("a.test");
  auto client = front.connect();
  client->send(kRequest);
  front.settle({client.get()});
  client.reset();
  FrontEnd::Logged left = logged(front);
  CHECK(left.record.status == 499);
  CHECK(left.record.outcome == Outcome::client_left);
  CHECK(left.record.first_byte == kNoTime);

  client = front.connect();
  client->send(kRequest);
  front.settle({client.get()});
  front.accepted(group).back()->send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  front.settle({client.get()});
  client->set_unsent(3);
  client.reset();
  left = logged(front);
  CHECK(left.record.status == 200);
  CHECK(left.record.outcome == Outcome::client_left);
  CHECK(left.record.body_sent == 1);  // the others never left
}

TEST_CASE("a tunnel is logged at its end") {
  FrontEnd front;
  front.log_exchanges();
  const uint32_t group = front.add_site("a.test");
  auto client = front.connect();
  client->send(
      "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  front.settle({client.get()});
  front.accepted(group)[0]->send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello");
  front.settle({client.get()});
  client->send("some bytes");
  front.settle({client.get()});
  client->end_input();
  front.settle({client.get()});
  CHECK(front.accepted(group)[0]->take_received().ends_with("some bytes"));
  front.accepted(group)[0]->close();
  front.settle({client.get()});
  const FrontEnd::Logged tunnel = logged(front);
  CHECK(tunnel.record.status == 101);
  CHECK(tunnel.record.outcome == Outcome::complete);
  CHECK(tunnel.record.body_sent == 5);
  CHECK(tunnel.record.body_received == 10);
}

TEST_CASE("a redirect") {
  FrontEnd front;
  front.log_exchanges();
  const uint32_t group = front.add_site("a.test");
  auto client = front.connect({"192.0.2.9", false, 443});
  client->send(kRequest);
  front.settle({client.get()});
  const FrontEnd::Logged redirect = logged(front);
  CHECK(redirect.record.status == 308);
  CHECK(redirect.record.virtual_host == group);
  CHECK(redirect.record.tls == kNoTime);
  CHECK(redirect.texts[Text::client] == "192.0.2.9");
}

TEST_CASE("a text that is too long is cut and says so") {
  FrontEnd front;
  front.log_exchanges();
  const uint32_t group = front.add_site("a.test");
  auto client = front.connect();
  client->send("GET / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: " + std::string(5'000, 'u') +
               "\r\n\r\n");
  front.settle({client.get()});
  front.accepted(group)[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  front.settle({client.get()});
  const FrontEnd::Logged cut = logged(front);
  CHECK(cut.texts[Text::user_agent] == std::string(1'024, 'u'));
  CHECK(cut.record.cut == 1U << Text::user_agent);
}

// ---- the channel ----

TEST_CASE("records leave together, in time") {
  Told told;
  for (int i = 0; i < 10; ++i) told.append(10);
  CHECK(told.hear().count == 0);
  MessageHead head;
  while ((head = told.hear()).count == 0) told.loop.run_ready();
  CHECK(head.count == 10);
  CHECK(head.dropped == 0);
}

TEST_CASE("a full message leaves at once, and what is left at the end") {
  Told told;
  uint32_t count = 0;
  MessageHead head;
  while ((head = told.hear()).count == 0 && count < 1'000) {
    told.append(1'000);
    ++count;
  }
  CHECK(head.count == count);
  told.append(10);
  told.log.reset();
  CHECK(told.hear().count == 1);
}

TEST_CASE("a logger that does not listen costs records, not time or memory, and learns how many") {
  Told told;
  constexpr uint64_t kRecords = 5'000;
  for (uint64_t i = 0; i < kRecords; ++i) told.append(1'000);
  CHECK(told.log->dropped() > 0);
  // It listens again: all that waited comes, and the number of the others, once.
  uint64_t heard = 0, dropped = 0;
  for (int quiet = 0; quiet < 2;) {
    const MessageHead head = told.hear();
    heard += head.count;
    dropped += head.dropped;
    quiet = head.count > 0 || told.loop.run_ready() ? 0 : quiet + 1;
  }
  told.log.reset();
  for (MessageHead head = told.hear(); head.count > 0; head = told.hear()) {
    heard += head.count;
    dropped += head.dropped;
  }
  CHECK(heard + dropped == kRecords);
  CHECK(heard > 0);
}

TEST_CASE("a logger that has gone for ever") {
  Told told;
  told.logger.reset();
  for (int i = 0; i < 1'000; ++i) told.append(1'000);
  while (told.loop.run_ready()) {
  }
  CHECK(told.log->dropped() > 900);
}
