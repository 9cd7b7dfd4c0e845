#include "metrics/http_server.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/socket.h"
#include "metrics/limits.h"
#include "tests/base/run_until.h"

using namespace dmpm;
using namespace dmpm::metrics;
using dmpm::test::run_until;

namespace {

// Large enough for no socket's buffer.
class Numbers final : public Content {
 public:
  static constexpr int kPieces = 64;
  std::string_view type() const override { return "text/x-numbers"; }
  bool next(std::string& out) override {
    out.append(limits::kPiece, static_cast<char>('a' + made % 26));
    return ++made < kPieces;
  }
  int made = 0;
};

struct Fixture final : Site {
  Fixture() {
    char name[] = "/tmp/dmpm-metrics-test.XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory = name;
    auto address = SocketAddress::unix_path(directory + "/socket");
    REQUIRE(address.ok());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    REQUIRE(::bind(socket.get(), address.value().get(), address.value().size) == 0);
    REQUIRE(::listen(socket.get(), 64) == 0);
    server.listen(std::move(socket), loopback_names);
  }
  ~Fixture() { std::filesystem::remove_all(directory); }
  std::unique_ptr<Content> get(std::string_view path) override {
    if (path == "/text") return std::make_unique<Text>("text/plain", "hello");
    if (path == "/numbers") return std::make_unique<Numbers>();
    return nullptr;
  }
  Fd connect() {
    auto address = SocketAddress::unix_path(directory + "/socket");
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    REQUIRE(::connect(fd.get(), address.value().get(), address.value().size) == 0);
    return fd;
  }
  static void say(const Fd& fd, std::string_view text) {
    REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  // Everything up to the end.
  std::string hear(const Fd& fd) {
    std::string all;
    CHECK(run_until(loop, [&] {
      char bytes[16'384];
      ssize_t size = 0;
      while ((size = ::recv(fd.get(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        all.append(bytes, static_cast<size_t>(size));
      }
      return size == 0 || (size < 0 && errno == ECONNRESET);
    }));
    return all;
  }
  std::string ask(std::string_view request) {
    const Fd fd = connect();
    say(fd, request);
    return hear(fd);
  }

  bool loopback_names = true;
  std::string directory;
  EventLoop loop;
  DeadlineWheel wheel{loop};
  HttpServer server{loop, wheel, *this};
};

}  // namespace

TEST_CASE("what is there is answered, and the connection closed") {
  Fixture all;
  const std::string answer = all.ask("GET /text HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(answer.find("\r\nContent-Security-Policy: default-src 'none';") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
  CHECK(all.ask("GET /text HTTP/1.0\r\nHost: localhost\r\n\r\n").ends_with("\r\n\r\nhello"));
}

TEST_CASE("what is not there, is no request or for another name is not") {
  Fixture all;
  const std::pair<const char*, const char*> cases[] = {
      {"404", "GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"405", "POST /text HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"421", "GET /text HTTP/1.1\r\nHost: evil.test\r\n\r\n"},
      {"400", "nonsense\r\n\r\n"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.second);
    CHECK(all.ask(one.second).substr(9, 3) == one.first);
  }
}

TEST_CASE("a large answer is made as it is read") {
  Fixture all;
  const std::string answer = all.ask("GET /numbers HTTP/1.0\r\nHost: localhost\r\n\r\n");
  CHECK(answer.size() - answer.find("\r\n\r\n") - 4 == Numbers::kPieces * limits::kPiece);
}

TEST_CASE("a request may come in any pieces") {
  Fixture all;
  const Fd fd = all.connect();
  for (const char c : std::string("GET /text HTTP/1.0\r\nHost: localhost\r\n\r\n")) {
    Fixture::say(fd, {&c, 1});
    while (all.loop.run_ready()) {
    }
  }
  CHECK(all.hear(fd).ends_with("hello"));
}

TEST_CASE("more than the cap wait, and are served when others leave") {
  Fixture all;
  std::vector<Fd> idle;
  for (size_t i = 0; i < limits::kMaxConnections; ++i) idle.push_back(all.connect());
  const Fd late = all.connect();
  Fixture::say(late, "GET /text HTTP/1.0\r\nHost: localhost\r\n\r\n");
  while (all.loop.run_ready()) {
  }
  char byte = 0;
  CHECK(::recv(late.get(), &byte, 1, MSG_DONTWAIT) < 0);
  idle.pop_back();
  CHECK(all.hear(late).ends_with("hello"));
}
