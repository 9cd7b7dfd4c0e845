// http1::RequestParser: the same result however the input is cut; a head that is accepted means the
// same after it was written for a worker and is read again.
#include "proxy/http1/request_parser.h"

#include "proxy/http/forwarding.h"
#include "tests/fuzz/describe.h"
#include "tests/fuzz/fuzz_input.h"

using namespace dmpm;
using http1::RequestParser;

namespace {

struct Outcome {
  RequestParser::Progress progress;
  std::string text;
};

Outcome outcome_of(const RequestParser& parser, RequestParser::Progress progress) {
  switch (progress) {
    case RequestParser::Progress::incomplete: return {progress, "incomplete"};
    case RequestParser::Progress::rejected:
      return {progress, concat({"rejected with ", std::to_string(parser.rejection().status)})};
    case RequestParser::Progress::complete: break;
  }
  return {progress,
          concat({"size ", std::to_string(parser.size()),
                  parser.wants_close() ? " closes " : " stays ", fuzz::describe(parser.head())})};
}

// Each piece in a block of its own size, as if the input had moved: a view into the old one shows.
std::string parse_split(const ClientLimits& limits, const fuzz::ParserInput& input) {
  RequestParser parser(limits);
  parser.reset();
  for (const size_t split : input.splits) {
    const std::string piece(input.bytes.substr(0, split));
    const auto progress = parser.parse(piece);
    if (progress != RequestParser::Progress::incomplete) return outcome_of(parser, progress).text;
  }
  const std::string all(input.bytes);
  const auto progress = parser.parse(all);
  return outcome_of(parser, progress).text;
}

// What must survive: all but what belongs to the client's hop. An empty body may be said to be one.
std::string meaning(http::RequestHead head) {
  head.http_1_0 = head.accepts_trailers = false;
  if (head.body == http::BodyLength::known && head.content_length == 0) {
    head.body = http::BodyLength::none;
  }
  head.fields = {};
  return fuzz::describe(head);
}

void check_regenerated(const http::RequestHead& head) {
  const http::ClientInfo client{"192.0.2.7", true, 0};
  std::string first;
  http::append_request_head(first, head, client);
  ClientLimits limits;
  limits.head_size = limits.target_size = 1 << 20;
  limits.head_fields += 8;
  RequestParser parser(limits);
  parser.reset();
  const auto progress = parser.parse(first);
  if (progress != RequestParser::Progress::complete) {
    fuzz::fail("a regenerated head is accepted", first, outcome_of(parser, progress).text);
  }
  if (parser.size() != first.size()) fuzz::fail("a regenerated head is one head", first, "");
  fuzz::require_equal("a regenerated head means the same", meaning(head), meaning(parser.head()));
  std::string second;
  http::append_request_head(second, parser.head(), client);
  fuzz::require_equal("a head regenerated twice is the same", first, second);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::ParserInput input(data, size);
  ClientLimits limits;
  if (input.options & 1) {
    limits.head_size = 256;
    limits.target_size = 32;
    limits.head_fields = 4;
    limits.body_size = 1000;
  }
  const std::string all(input.bytes);
  RequestParser parser(limits);
  parser.reset();
  const Outcome whole = outcome_of(parser, parser.parse(all));
  fuzz::require_equal("the same however it is cut", whole.text, parse_split(limits, input));
  if (whole.progress == RequestParser::Progress::complete) check_regenerated(parser.head());
  return 0;
}
