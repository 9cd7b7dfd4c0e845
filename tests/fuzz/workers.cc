#include "tests/fuzz/workers.h"

#include <csignal>
#include <stdexcept>

#include "base/text.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/proxy/message_reader.h"

namespace dmpm::fuzz {

using test::Message;
using test::WorkerEnd;

namespace {
constexpr const char* kHosts[] = {"a.test", "b.test"};
constexpr char kProbeReply[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nprobe-";
}  // namespace

Workers::Workers(test::FrontEnd& front) : front_(front) {
  std::signal(SIGPIPE, SIG_IGN);  // as in the dispatcher
  for (const char* host : kHosts) groups_.push_back(front.add_site(host, 4));
}

WorkerEnd* Workers::pick(unsigned which) {
  std::vector<WorkerEnd*> open;
  for (const uint32_t group : groups_) {
    for (const auto& end : front_.accepted(group)) {
      if (end->open()) open.push_back(end.get());
    }
  }
  return open.empty() ? nullptr : open[which % open.size()];
}

Workers::Stream& Workers::stream_of(WorkerEnd& end) {
  Stream& stream = streams_[&end];
  if (end.open()) stream.received += end.take_received();
  return stream;
}

void Workers::send(unsigned which, std::string_view bytes) {
  WorkerEnd* end = pick(which);
  if (end == nullptr) return;
  // Heads may come in pieces: every "101" may have ended one.
  if (bytes.find('1') != std::string_view::npos) stream_of(*end).switched = true;
  end->send(bytes);
}

void Workers::close(unsigned which) {
  WorkerEnd* end = pick(which);
  if (end == nullptr) return;
  stream_of(*end);
  end->close();
}

void Workers::half_close(unsigned which) {
  if (WorkerEnd* end = pick(which)) end->half_close();
}

void Workers::kill(unsigned which) {
  const uint32_t group = groups_[which % groups_.size()];
  check();
  for (const auto& end : front_.accepted(group)) streams_.erase(end.get());
  front_.kill_worker(group);
}

bool Workers::answer_all() {
  bool answered = false;
  for (const uint32_t group : groups_) {
    for (const auto& end : front_.accepted(group)) {
      Stream& stream = stream_of(*end);
      if (!end->open() || stream.switched) continue;
      const Message request =
          test::read_message(std::string_view(stream.received).substr(stream.answered),
                             test::NoFraming::empty, false, false);
      if (!request.complete) continue;
      stream.answered += request.size;
      end->send(request.head.starts_with("HEAD ")
                    ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                    : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nreply");
      answered = true;
    }
  }
  return answered;
}

void Workers::check() {
  for (const uint32_t group : groups_) {
    for (const auto& end : front_.accepted(group)) {
      const Stream& stream = stream_of(*end);
      if (stream.switched) continue;
      std::string_view rest = stream.received;
      try {
        while (!rest.empty()) {
          const Message request = test::read_message(rest, test::NoFraming::empty, false, false);
          if (!request.head.empty() && !request.field("Host")) fail("one Host", rest, "");
          if (!request.complete) break;
          rest.remove_prefix(request.size);
        }
      } catch (const std::exception& error) {
        fail("workers receive HTTP/1.1", error.what(), rest);
      }
    }
  }
}

void Workers::probe() {
  check();
  for (size_t i = 0; i < groups_.size(); ++i) probe(groups_[i], kHosts[i]);
}

void Workers::probe(uint32_t group, const std::string& host) {
  for (const auto& end : front_.accepted(group)) stream_of(*end);
  auto client = front_.connect();
  client->send(concat({"GET /probe HTTP/1.1\r\nHost: ", host, "\r\n\r\n"}));
  front_.settle({client.get()});
  bool arrived = false;
  for (const auto& end : front_.accepted(group)) {
    if (!end->open() || !end->received().starts_with("GET /probe ")) continue;
    if (arrived) fail("a request is sent once", host, end->received());
    end->send(kProbeReply + host);
    arrived = true;
  }
  front_.settle({client.get()});
  if (!arrived) fail("a group serves on", host, client->received());
  if (!client->received().ends_with("\r\n\r\nprobe-" + host)) {
    fail("an answer belongs to its request", host, client->received());
  }
}

}  // namespace dmpm::fuzz
