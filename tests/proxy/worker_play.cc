#include "tests/proxy/worker_play.h"

#include "base/text.h"
#include "tests/proxy/message_reader.h"

namespace dmpm::test {

WorkerPlay::WorkerPlay(FrontEnd& front, std::vector<std::string> replies)
    : front_(front), replies_(std::move(replies)) {
  for (const char* site : kSites) groups_[front.add_site(site)] = site;
}

bool WorkerPlay::advance() {
  bool sent = false;
  for (const auto& [group, site] : groups_) {
    for (const auto& end : front_.accepted(group)) {
      Stream& stream = streams_[end.get()];
      stream.site = site;
      stream.bytes += end->take_received();
      sent |= advance(*end, stream);
    }
  }
  return sent;
}

bool WorkerPlay::advance(WorkerEnd& end, Stream& stream) {
  bool sent = false;
  while (!stream.bytes.empty()) {
    if (stream.tunnel > 0) {
      arrivals_[stream.tunnel - 1].bytes += std::exchange(stream.bytes, {});
      break;
    }
    const Message request = read_message(stream.bytes, NoFraming::empty, false, false);
    if (request.head.empty()) break;
    if (!stream.continued && request.field("Expect")) {
      end.send("HTTP/1.1 100 Continue\r\n\r\n");
      stream.continued = sent = true;
    }
    if (!request.complete) break;
    stream.bytes.erase(0, request.size);
    stream.continued = false;
    arrivals_.push_back({stream.site, request.normal(), true});
    const std::string reply = reply_to(request.head);
    if (reply.starts_with("HTTP/1.1 101")) stream.tunnel = arrivals_.size();
    end.send(reply);
    sent = true;
  }
  return sent;
}

std::string WorkerPlay::reply_to(std::string_view head) {
  const size_t number = answered_++;
  if (number < replies_.size()) return replies_[number];
  const std::string body = concat({"reply-", std::to_string(number + 1)});
  return concat({"HTTP/1.1 200 OK\r\nContent-Length: ", std::to_string(body.size()), "\r\n\r\n",
                 head.starts_with("HEAD ") ? std::string_view() : body});
}

const std::vector<WorkerPlay::Arrival>& WorkerPlay::finish() {
  advance();
  for (const auto& [end, stream] : streams_) {
    if (stream.bytes.empty()) continue;
    const Message part = read_message(stream.bytes, NoFraming::empty, false, false);
    arrivals_.push_back({stream.site, part.head.empty() ? stream.bytes : part.normal(), false});
  }
  return arrivals_;
}

}  // namespace dmpm::test
