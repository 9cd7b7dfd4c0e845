// Whole exchanges over the in-process front end: routing, reuse, retry, failures, backpressure.
#include <doctest/doctest.h>

#include "tests/proxy/front_end.h"

using dmpm::test::FrontEnd;
using dmpm::test::MemoryClient;

namespace {

constexpr char kGetA[] = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr char kGetB[] = "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a keep-alive connection alternates between two groups") {
  FrontEnd front;
  const auto a = front.add_site("a.test"), b = front.add_site("b.test");
  auto client = front.connect();
  for (int round = 0; round < 3; ++round) {
    for (const auto& [group, request, body] :
         {std::tuple{a, kGetA, "AAAA"}, std::tuple{b, kGetB, "BBBB"}}) {
      client->send(request);
      front.settle({client.get()});
      auto& accepted = front.accepted(group);
      REQUIRE(accepted.size() == 1);  // reused from the second round on
      CHECK(contains(accepted[0]->take_received(), "GET / HTTP/1.1\r\nHost: "));
      accepted[0]->send(std::string("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n") + body);
      front.settle({client.get()});
      CHECK(client->take_received().ends_with(std::string("\r\n\r\n") + body));
      CHECK_FALSE(client->closed());
    }
  }
}

TEST_CASE("the worker's Connection: close does not close the client's connection") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  auto client = front.connect();
  for (int round = 0; round < 2; ++round) {
    client->send(kGetA);
    front.settle({client.get()});
    auto& worker = *front.accepted(a).back();
    CHECK(contains(worker.received(), "GET /"));  // unread bytes would make the close a reset
    worker.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
    worker.close();
    front.settle({client.get()});
    const std::string answer = client->take_received();
    CHECK(contains(answer, "Transfer-Encoding: chunked\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n"));
    CHECK_FALSE(contains(answer, "Connection:"));
    CHECK_FALSE(client->closed());
  }
  CHECK(front.accepted(a).size() == 2);
}

TEST_CASE("an idle connection that the worker has closed is never seen by a client") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  auto client = front.connect();
  client->send(kGetA);
  front.settle({client.get()});
  front.accepted(a)[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  front.settle({client.get()});
  client->take_received();
  front.accepted(a)[0]->close();
  // Not settled: the dispatcher learns of it only as it uses the connection.
  client->send(kGetA);
  front.settle({client.get()});
  REQUIRE(front.accepted(a).size() == 2);
  front.accepted(a)[1]->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  front.settle({client.get()});
  CHECK(client->received().ends_with("ok"));
  CHECK(front.failures().empty());
}

TEST_CASE("a POST is not sent twice") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  auto client = front.connect();
  client->send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
  front.settle({client.get()});
  CHECK(front.accepted(a)[0]->received().ends_with("\r\n\r\nabc"));
  front.accepted(a)[0]->close();
  front.settle({client.get()});
  // It had answered nothing since its start.
  CHECK(contains(client->received(), "HTTP/1.1 503 "));
  CHECK(front.accepted(a).size() == 1);
}

TEST_CASE("a response that breaks off is not presented as complete") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  for (const char* head : {"Content-Length: 100", "Transfer-Encoding: chunked"}) {
    auto client = front.connect();
    client->send(kGetA);
    front.settle({client.get()});
    auto& worker = *front.accepted(a).back();
    worker.send(std::string("HTTP/1.1 200 OK\r\n") + head + "\r\n\r\n5\r\nhello\r\n");
    front.settle({client.get()});
    worker.close();
    front.settle({client.get()});
    CHECK(contains(client->received(), "hello"));
    CHECK_FALSE(contains(client->received(), "\r\n0\r\n\r\n"));
    CHECK(client->closed());
  }
}

TEST_CASE("bytes behind a complete response never answer the next request") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  auto client = front.connect();
  client->send(kGetA);
  front.settle({client.get()});
  front.accepted(a)[0]->send(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  front.settle({client.get()});
  CHECK(client->take_received().ends_with("ok"));
  client->send(kGetA);
  front.settle({client.get()});
  REQUIRE(front.accepted(a).size() == 2);
  front.accepted(a)[1]->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
  front.settle({client.get()});
  CHECK(client->received().ends_with("good"));
}

TEST_CASE("pipelined requests are answered in order, each by its own group") {
  FrontEnd front;
  const auto a = front.add_site("a.test"), b = front.add_site("b.test");
  auto client = front.connect();
  client->send(std::string(kGetA) + kGetB + kGetA);
  for (const auto& [group, body] : {std::pair{a, "1"}, std::pair{b, "2"}, std::pair{a, "3"}}) {
    front.settle({client.get()});
    auto& worker = *front.accepted(group).back();
    CHECK(contains(worker.take_received(), "GET / "));
    worker.send(std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n") + body);
  }
  front.settle({client.get()});
  const std::string& all = client->received();
  CHECK(all.find("\r\n\r\n1") < all.find("\r\n\r\n2"));
  CHECK(all.find("\r\n\r\n2") < all.find("\r\n\r\n3"));
}

TEST_CASE("a worker that cannot be started gives 503 with its reason in the log") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  front.fail_starts(a, "exec /bin/nothing: No such file or directory");
  auto client = front.connect();
  client->send(kGetA);
  front.settle({client.get()});
  CHECK(contains(client->received(), "HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(contains(client->received(), "Retry-After: 5\r\n"));
  CHECK(contains(client->received(), "testid"));
  REQUIRE(front.failures().size() == 1);
  CHECK(contains(front.failures()[0], "No such file"));
  CHECK_FALSE(client->closed());
}

TEST_CASE("a killed worker's successor serves the next request") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  auto client = front.connect();
  client->send(kGetA);
  front.settle({client.get()});
  front.accepted(a)[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  front.settle({client.get()});
  client->take_received();
  client->send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");
  front.settle({client.get()});
  front.kill_worker(a);
  front.settle({client.get()});
  CHECK(contains(client->take_received(), "HTTP/1.1 502 "));
  client->send(kGetA);
  front.settle({client.get()});
  REQUIRE(front.accepted(a).size() == 1);
  front.accepted(a)[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  front.settle({client.get()});
  CHECK(client->received().ends_with("ok"));
}

TEST_CASE("a client that reads nothing stops the reading from its worker") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  auto client = front.connect();
  client->send(kGetA);
  front.settle({client.get()});
  auto& worker = *front.accepted(a)[0];
  worker.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  front.settle({client.get()});
  client->set_unsent(front.limits().response_buffer);
  worker.send(std::string(50'000, 'x'));
  front.settle({client.get()});
  const size_t before = client->received().size();
  CHECK(before < 1000);
  client->set_unsent(0);
  front.settle({client.get()});
  CHECK(client->received().size() == before + 50'000);
}

TEST_CASE("a request body waits for its worker within its credit") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  auto client = front.connect();
  client->send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10000000\r\n\r\n");
  for (int i = 0; i < 100; ++i) client->send(std::string(100'000, 'y'));
  // The worker reads nothing: kernel buffers and one window are all that goes.
  for (int i = 0; i < 3; ++i) front.settle({client.get()});
  CHECK(client->waiting() > 9'000'000);
  std::string got;
  while (got.size() < 10'000'000) {
    got += front.accepted(a)[0]->take_received();
    front.settle({client.get()});
  }
  CHECK(got.ends_with("yyyy"));
  CHECK(client->waiting() == 0);
}

TEST_CASE("an answer before the request's end lets the rest of the body pass by") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  auto client = front.connect();
  client->send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nbegin");
  front.settle({client.get()});
  front.accepted(a)[0]->send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  front.settle({client.get()});
  CHECK(client->take_received().ends_with("no"));
  client->send(std::string(99'995, 'z') + kGetA);
  front.settle({client.get()});
  REQUIRE(front.accepted(a).size() == 2);  // the first connection had half a request in it
  CHECK(front.accepted(a)[0]->ended());
  front.accepted(a)[1]->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  front.settle({client.get()});
  CHECK(client->received().ends_with("ok"));
}

TEST_CASE("an upgraded connection is a tunnel with half-close both ways") {
  FrontEnd front;
  const auto a = front.add_site("a.test");
  for (const bool client_first : {true, false}) {
    auto client = front.connect();
    client->send(
        "GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    front.settle({client.get()});
    auto& worker = *front.accepted(a).back();
    CHECK(contains(worker.take_received(), "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    worker.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhi");
    front.settle({client.get()});
    CHECK(contains(client->take_received(), "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi"));
    client->send("GET / HTTP/1.1\r\n\r\n");  // only bytes now
    front.settle({client.get()});
    CHECK(worker.take_received() == "GET / HTTP/1.1\r\n\r\n");
    if (client_first) {
      client->end_input();
      front.settle({client.get()});
      CHECK(worker.ended());
      worker.send("last");
      worker.close();
      front.settle({client.get()});
      CHECK(client->received() == "last");
    } else {
      worker.half_close();
      front.settle({client.get()});
      CHECK(client->output_ended());
      client->send("more");
      front.settle({client.get()});
      CHECK(worker.received() == "more");
      client->end_input();
      front.settle({client.get()});
    }
    CHECK(client->closed());
  }
  // A tunnel's connection is never used again.
  auto client = front.connect();
  client->send(kGetA);
  front.settle({client.get()});
  CHECK(front.accepted(a).size() == 3);
}
