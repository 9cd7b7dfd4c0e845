// Runs corpus/responses: a request is sent, the worker answers with a case's bytes, whole, byte by
// byte and at random splits; compared are the client's bytes, whether its connection lives on, and
// whether the worker's connection is used again.
#include <doctest/doctest.h>

#include <stdexcept>

#include "base/text.h"
#include "tests/proxy/client_view.h"
#include "tests/proxy/corpus.h"
#include "tests/proxy/front_end.h"

using dmpm::concat;
using namespace dmpm::test;

namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr char kProbe[] = "GET /probe HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr char kProbeReply[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nprobe";
constexpr size_t kSmall = 4096;

class Run {
 public:
  explicit Run(const CorpusCase& one)
      : case_(one), group_(front_.add_site("a.test")), client_(front_.connect()) {}

  // Empty, or what is wrong.
  std::string operator()(const Split& split) {
    const std::string request = case_.find("request") ? case_.bytes("request") : kGet;
    client_->send(request);
    front_.settle({client_.get()});
    if (front_.accepted(group_).empty()) return "\n  the request did not reach the worker";
    respond(*front_.accepted(group_)[0], split);
    if (case_.find("rest") != nullptr) {
      client_->send(case_.bytes("rest"));
      front_.settle({client_.get()});
    }
    const std::vector<size_t> heads =
        request.starts_with("HEAD ") ? std::vector<size_t>{1} : std::vector<size_t>{};
    const ClientView view = view_client(client_->received(), client_->closed(), heads);
    std::string out = compare(view, *case_.find("client"));
    // A client that breaks its own request is told by the close alone.
    const bool may_surprise = case_.find("rest") != nullptr;
    if (client_->closed() && !view.announced && !may_surprise) {
      out += "\n  closed without Connection: close";
    }
    return out + check_connections();
  }

 private:
  void respond(WorkerEnd& worker, const Split& split) {
    worker.take_received();  // unread bytes would make a later close a reset
    const size_t every = split.pieces.size() > kSmall ? 64 : 1;
    size_t count = 0;
    for (const std::string& piece : split.pieces) {
      worker.send(piece);
      if (++count % every == 0) front_.settle({client_.get()});
    }
    front_.settle({client_.get()});
    if (case_.find("eof") != nullptr) worker.close();
    front_.settle({client_.get()});
  }

  // Another request, on the client's connection where that is open.
  std::string check_connections() {
    const CorpusSection* expected = case_.find("worker");
    if (expected == nullptr || expected->arguments.size() != 1) return "\n  the case has no worker";
    const std::string& fate = expected->arguments[0];
    WorkerEnd& first = *front_.accepted(group_)[0];
    if (fate == "busy") return first.ended() ? "\n  the worker's connection has ended" : "";
    std::unique_ptr<MemoryClient> other;
    if (client_->closed()) other = front_.connect();
    MemoryClient& client = other ? *other : *client_;
    client.take_received();
    client.send(kProbe);
    front_.settle({&client});
    auto& accepted = front_.accepted(group_);
    const std::string actual = accepted.size() == 1 ? "reused" : "closed";
    std::string out;
    if (actual != fate) out = concat({"\n  the worker's connection was ", actual, ", not ", fate});
    if (actual == "closed" && first.open() && !first.ended()) {
      out += "\n  the worker's connection was left open";
    }
    if (!accepted.back()->received().starts_with("GET /probe ")) {
      return out + "\n  the next request did not reach the worker";
    }
    accepted.back()->send(kProbeReply);
    front_.settle({&client});
    if (client.received().ends_with("\r\n\r\nprobe")) return out;
    return concat({out, "\n  the next request got\n    ", show(client.received())});
  }

  const CorpusCase& case_;
  FrontEnd front_;
  uint32_t group_;
  std::unique_ptr<MemoryClient> client_;
};

std::string run(const CorpusCase& one, const Split& split) {
  try {
    return Run(one)(split);
  } catch (const std::exception& error) {
    return concat({"\n  ", error.what()});
  }
}

}  // namespace

TEST_CASE("responses") {
  const auto cases =
      load_corpus("responses", {"why", "request", "in", "eof", "rest", "client", "worker"});
  CHECK(cases.size() >= 120);
  unsigned number = 0;
  for (const CorpusCase& one : cases) {
    for (const Split& split : splits_of(one.bytes("in"), ++number)) {
      const std::string wrong = run(one, split);
      if (wrong.empty()) continue;
      FAIL_CHECK(one.place, ": ", one.name, " (", split.name, ")", wrong);
      break;
    }
  }
}
