// http1::ChunkedDecoder: the same result however the input is cut; what was decoded, encoded again,
// is the same body and the same trailers.
#include "proxy/http1/chunked_decoder.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "proxy/limits.h"
#include "tests/fuzz/fuzz_input.h"

using namespace dmpm;
using http1::ChunkedDecoder;

namespace {

struct Outcome {
  ChunkedDecoder::Progress progress = ChunkedDecoder::Progress::incomplete;
  std::string body;
  std::string trailers;
  size_t used = 0;

  std::string text() const {
    return concat({std::to_string(int(progress)), " used ", std::to_string(used), " trailers ",
                   trailers, " body ", body});
  }
};

// True when no more may be decoded.
bool decode(ChunkedDecoder& decoder, std::string_view piece, Outcome& outcome) {
  const std::string block(piece);  // of its own size, so that a view beyond it shows
  std::string_view rest = block, data;
  do {
    outcome.progress = decoder.decode(rest, data);
    if (outcome.progress == ChunkedDecoder::Progress::data) outcome.body += data;
  } while (outcome.progress == ChunkedDecoder::Progress::data);
  outcome.used += block.size() - rest.size();
  if (outcome.progress == ChunkedDecoder::Progress::complete) outcome.trailers = decoder.trailers();
  return outcome.progress != ChunkedDecoder::Progress::incomplete;
}

Outcome decode_split(const fuzz::ParserInput& input) {
  ChunkedDecoder decoder;
  Outcome outcome;
  size_t begin = 0;
  for (const size_t split : input.splits) {
    if (decode(decoder, input.bytes.substr(begin, split - begin), outcome)) return outcome;
    begin = split;
  }
  decode(decoder, input.bytes.substr(begin), outcome);
  return outcome;
}

std::string encode(const Outcome& outcome, size_t piece) {
  std::string out;
  for (size_t at = 0; at < outcome.body.size(); at += piece) {
    const size_t size = std::min(piece, outcome.body.size() - at);
    std::array<char, 16> digits;
    out.append(digits.data(), std::to_chars(digits.begin(), digits.end(), size, 16).ptr);
    out += concat({"\r\n", std::string_view(outcome.body).substr(at, size), "\r\n"});
  }
  return out + concat({"0\r\n", outcome.trailers, "\r\n"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::ParserInput input(data, size);
  ChunkedDecoder decoder;
  Outcome whole;
  decode(decoder, input.bytes, whole);
  fuzz::require_equal("the same however it is cut", whole.text(), decode_split(input).text());
  if (whole.progress != ChunkedDecoder::Progress::complete) return 0;
  // "a:b" is written as "a: b": trailers at the limit grow beyond it.
  if (whole.trailers.size() > limits::kMaxTrailers) return 0;
  const std::string encoded = encode(whole, 1 + input.options);
  decoder.reset();
  Outcome again;
  decode(decoder, encoded, again);
  whole.used = encoded.size();
  fuzz::require_equal("encoded again it is the same", whole.text(), again.text());
  return 0;
}
