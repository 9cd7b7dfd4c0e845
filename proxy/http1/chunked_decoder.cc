#include "proxy/http1/chunked_decoder.h"

#include <algorithm>

#include "proxy/http1/field_section.h"
#include "proxy/limits.h"

namespace dmpm::http1 {

using http::Rejection;

namespace {

constexpr Rejection kBadSize{400, "a chunk size is malformed"};
constexpr Rejection kSizeTooLarge{400, "a chunk size is too large"};
constexpr Rejection kBadExtension{400, "a chunk extension is malformed"};
constexpr Rejection kBadChunkEnd{400, "a chunk does not end where its size says"};
constexpr Rejection kTooMuchOverhead{400, "there are too many chunk extensions or trailer fields"};
constexpr Rejection kBadTrailer{400, "a trailer field is malformed"};

constexpr uint64_t kMaxChunk = INT64_MAX;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

ChunkedDecoder::Progress ChunkedDecoder::reject(const Rejection& why) {
  rejection_ = &why;
  return Progress::rejected;
}

ChunkedDecoder::Progress ChunkedDecoder::decode(std::string_view& input, std::string_view& data) {
  while (!input.empty() && state_ != State::complete) {
    if (state_ == State::data) {
      data = input.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, input.size())));
      input.remove_prefix(data.size());
      left_ -= data.size();
      if (left_ == 0) state_ = State::data_return;
      return Progress::data;
    }
    const char c = input.front();
    input.remove_prefix(1);
    if (const Rejection* why = step(c)) return reject(*why);
  }
  return state_ == State::complete ? Progress::complete : Progress::incomplete;
}

const Rejection* ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::size:
      if (const int digit = hex_digit(c); digit >= 0) {
        if (++line_size_ > 16 || left_ > (kMaxChunk >> 4)) return &kSizeTooLarge;
        left_ = left_ << 4 | static_cast<uint64_t>(digit);
        have_digits_ = true;
        return nullptr;
      }
      if (!have_digits_) return &kBadSize;
      if (c == '\r') {
        state_ = State::size_feed;
      } else if (c == ';') {
        state_ = State::extension;
      } else {
        return &kBadSize;
      }
      return nullptr;
    case State::extension:
      if (c == '\r') {
        state_ = State::size_feed;
        return nullptr;
      }
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return &kBadExtension;
      if (++line_size_ > limits::kMaxChunkLine) return &kTooMuchOverhead;
      return ++extension_bytes_ > limits::kMaxChunkOverhead ? &kTooMuchOverhead : nullptr;
    case State::size_feed:
      if (c != '\n') return &kBadSize;
      state_ = left_ > 0 ? State::data : State::trailer;
      have_digits_ = false;
      line_size_ = 0;
      return nullptr;
    case State::data_return:
      if (c != '\r') return &kBadChunkEnd;
      state_ = State::data_feed;
      return nullptr;
    case State::data_feed:
      if (c != '\n') return &kBadChunkEnd;
      state_ = State::size;
      return nullptr;
    case State::trailer:
      if (c == '\r') {
        state_ = State::trailer_feed;
        return nullptr;
      }
      if (c == '\n') return &kBadTrailer;
      line_ += c;
      return ++trailer_bytes_ > limits::kMaxTrailers ? &kTooMuchOverhead : nullptr;
    case State::trailer_feed: return c == '\n' ? end_trailer_line() : &kBadTrailer;
    case State::data:
    case State::complete: break;
  }
  return nullptr;
}

const Rejection* ChunkedDecoder::end_trailer_line() {
  if (line_.empty()) {
    state_ = State::complete;
    return nullptr;
  }
  FieldSection section;
  if (section.add_line(line_, 0, line_.size(), 1) != nullptr) return &kBadTrailer;
  const http::Field field = section.finish(line_)[0];
  // RFC 9110 6.5.1: nothing that would have framed, routed or authenticated the message.
  if (field.id == http::FieldName::other) {
    trailers_.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  line_.clear();
  state_ = State::trailer;
  return nullptr;
}

}  // namespace dmpm::http1
