// Runs corpus/requests: each case whole, byte by byte and at random splits; what reaches the
// workers is compared to the byte, and a connection that stays open must serve another request.
#include <doctest/doctest.h>

#include <stdexcept>

#include "base/text.h"
#include "tests/proxy/client_view.h"
#include "tests/proxy/corpus.h"
#include "tests/proxy/front_end.h"
#include "tests/proxy/message_reader.h"
#include "tests/proxy/worker_play.h"

using dmpm::concat;
using namespace dmpm::test;

namespace {

constexpr char kProbeLine[] = "GET /probe ";
constexpr char kProbe[] = "GET /probe HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr size_t kSmall = 4096;

std::vector<std::string> replies_of(const CorpusCase& one) {
  std::vector<std::string> replies;
  for (const CorpusSection& section : one.sections) {
    if (section.keyword == "reply") replies.push_back(section.bytes);
  }
  return replies;
}

std::vector<size_t> heads_of(const CorpusCase& one) {
  std::vector<size_t> numbers;
  if (const CorpusSection* heads = one.find("heads")) {
    for (const std::string& word : heads->arguments) numbers.push_back(std::stoul(word));
  }
  return numbers;
}

// The same head and a part of the body.
bool is_part_of(std::string_view part, std::string_view all) {
  const Message some = read_message(part, NoFraming::empty, false, false);
  const Message most = read_message(all, NoFraming::empty, false, false);
  return some.head == most.head && !some.complete && most.body.starts_with(some.body);
}

std::string compare_workers(const std::vector<WorkerPlay::Arrival>& arrivals,
                            const CorpusCase& one) {
  std::string out;
  size_t at = 0;
  for (const CorpusSection& section : one.sections) {
    if (!section.keyword.starts_with("worker")) continue;
    const std::string site = section.arguments.empty() ? "a.test" : section.arguments[0];
    const bool whole = section.keyword == "worker";
    const bool some = section.keyword == "worker-some";
    if (at == arrivals.size()) {
      if (some) continue;
      return out + "\n  a worker received fewer requests";
    }
    const WorkerPlay::Arrival& arrival = arrivals[at++];
    if (arrival.site != site) out += concat({"\n  the request went to ", arrival.site});
    if (arrival.whole != whole) out += whole ? "\n  the request was cut" : "\n  it was not cut";
    if (some ? !is_part_of(arrival.bytes, section.bytes) : arrival.bytes != section.bytes) {
      out += concat({"\n  the worker received\n    ", show(arrival.bytes), "\n  instead of\n    ",
                     show(section.bytes)});
    }
  }
  if (at < arrivals.size()) {
    out += concat({"\n  the worker also received\n    ", show(arrivals[at].bytes)});
  }
  return out;
}

// Each answer belongs to its request: the replies come in the order of the requests.
std::string compare_replies(const ClientView& view) {
  unsigned long last = 0;
  for (const std::string& body : view.bodies) {
    if (!body.starts_with("reply-")) continue;
    const unsigned long number = std::stoul(body.substr(6));
    if (number <= last) return "\n  the replies are out of order";
    last = number;
  }
  return {};
}

class Run {
 public:
  explicit Run(const CorpusCase& one)
      : case_(one), play_(front_, replies_of(one)), client_(front_.connect()) {}

  // Empty, or what is wrong.
  std::string operator()(const Split& split) {
    const size_t every = split.pieces.size() > kSmall ? 64 : 1;
    size_t count = 0;
    for (const std::string& piece : split.pieces) {
      client_->send(piece);
      if (split.pieces.size() > 1 && ++count % every == 0) settle();
    }
    // With all in one piece the end arrives along with it, before any answer.
    if (split.pieces.size() > 1) settle();
    if (case_.find("eof") != nullptr) client_->end_input();
    settle();
    const ClientView view = view_client(client_->received(), client_->closed(), heads_of(case_));
    std::string out = compare(view, *case_.find("client")) + compare_replies(view);
    const bool may_surprise = case_.find("eof") != nullptr || case_.find("unannounced") != nullptr;
    if (client_->closed() && !view.announced && !may_surprise) {
      out += "\n  closed without Connection: close";
    }
    const bool probes = !client_->closed() && case_.find("pending") == nullptr;
    const std::string probe_result = probes ? probe() : std::string();
    std::vector<WorkerPlay::Arrival> arrivals = play_.finish();
    std::erase_if(arrivals,
                  [](const auto& arrival) { return arrival.bytes.starts_with(kProbeLine); });
    return out + probe_result + compare_workers(arrivals, case_);
  }

 private:
  void settle() {
    do front_.settle({client_.get()});
    while (play_.advance());
  }

  std::string probe() {
    client_->take_received();
    client_->send(kProbe);
    settle();
    const std::string body = concat({"reply-", std::to_string(play_.answered())});
    if (client_->received().ends_with("\r\n\r\n" + body)) return {};
    return concat({"\n  the next request on this connection got\n    ", show(client_->received())});
  }

  const CorpusCase& case_;
  FrontEnd front_;
  WorkerPlay play_;
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

TEST_CASE("requests") {
  const auto cases =
      load_corpus("requests", {"why", "in", "worker", "worker-cut", "worker-some", "client",
                               "reply", "heads", "eof", "pending", "unannounced"});
  CHECK(cases.size() >= 300);
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
