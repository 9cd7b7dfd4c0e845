// http1::ResponseParser: the same result however the input is cut; a head that is accepted means
// the same after it was written for a client and is read again.
#include "proxy/http1/response_parser.h"

#include "proxy/http1/response_writer.h"
#include "tests/fuzz/describe.h"
#include "tests/fuzz/fuzz_input.h"

using namespace dmpm;
using http1::ResponseParser;

namespace {

// What the response answers.
struct Request {
  explicit Request(unsigned options)
      : is_head((options & 1) != 0), upgrade(options & 2 ? "websocket" : "") {}
  bool is_head;
  std::string_view upgrade;
};

std::string outcome_of(const ResponseParser& parser, ResponseParser::Progress progress) {
  switch (progress) {
    case ResponseParser::Progress::incomplete: return "incomplete";
    case ResponseParser::Progress::rejected: return "rejected";
    case ResponseParser::Progress::complete: break;
  }
  return concat({"size ", std::to_string(parser.size()), " framing ",
                 std::to_string(int(parser.framing())),
                 parser.keep_alive() ? " stays " : " closes ", fuzz::describe(parser.head())});
}

std::string parse_split(const Request& request, const fuzz::ParserInput& input) {
  ResponseParser parser;
  parser.reset(request.is_head, request.upgrade);
  for (const size_t split : input.splits) {
    const std::string piece(input.bytes.substr(0, split));
    const auto progress = parser.parse(piece);
    if (progress != ResponseParser::Progress::incomplete) return outcome_of(parser, progress);
  }
  const std::string all(input.bytes);
  const auto progress = parser.parse(all);
  return outcome_of(parser, progress);
}

std::string write(const ResponseParser& parser, const Request& request) {
  http1::ResponseOptions options;
  const bool tunnel = parser.framing() == ResponseParser::Framing::tunnel;
  options.chunked = parser.head().body == http::BodyLength::unknown && !tunnel;
  if (tunnel) options.upgrade = request.upgrade;
  std::string out;
  http1::append_response_head(out, parser.head(), options);
  return out;
}

std::string meaning(http::ResponseHead head) {
  head.fields = {};
  if (head.body == http::BodyLength::none && !head.shows_content_length) head.content_length = 0;
  return fuzz::describe(head);
}

void check_regenerated(const ResponseParser& parsed, const Request& request) {
  const std::string first = write(parsed, request);
  // The framing and date fields that we add may take a head at the limit beyond it.
  if (first.size() > limits::kMaxResponseHead) return;
  if (parsed.head().fields.size() > limits::kMaxResponseFields - 4) return;
  ResponseParser parser;
  parser.reset(request.is_head, request.upgrade);
  const auto progress = parser.parse(first);
  if (progress != ResponseParser::Progress::complete) {
    fuzz::fail("a regenerated head is accepted", first, outcome_of(parser, progress));
  }
  if (parser.size() != first.size()) fuzz::fail("a regenerated head is one head", first, "");
  fuzz::require_equal("a regenerated head means the same", meaning(parsed.head()),
                      meaning(parser.head()));
  fuzz::require_equal("a head regenerated twice is the same", first, write(parser, request));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::ParserInput input(data, size);
  const Request request(input.options);
  const std::string all(input.bytes);
  ResponseParser parser;
  parser.reset(request.is_head, request.upgrade);
  const auto progress = parser.parse(all);
  fuzz::require_equal("the same however it is cut", outcome_of(parser, progress),
                      parse_split(request, input));
  if (progress == ResponseParser::Progress::complete) check_regenerated(parser, request);
  return 0;
}
