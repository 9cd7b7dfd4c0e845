#include "tests/fuzz/frame_check.h"

#include <cstdlib>

#include "base/text.h"
#include "tests/fuzz/fuzz_input.h"

namespace dmpm::fuzz {

namespace {

constexpr size_t kFrameHead = 9;
constexpr size_t kMaxFrame = 16384;

void require(bool holds, std::string_view property, std::string_view payload) {
  if (!holds) fail(property, payload, "");
}

}  // namespace

FrameCheck::FrameCheck() {
  nghttp2_hd_inflater* inflater = nullptr;
  if (nghttp2_hd_inflate_new(&inflater) != 0) std::abort();
  inflater_.reset(inflater);
}

void FrameCheck::check(std::string_view output) {
  while (output.size() >= kFrameHead) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(output[at]); };
    const size_t size = size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2);
    const uint32_t id =
        uint32_t{byte(5)} << 24 | uint32_t{byte(6)} << 16 | uint32_t{byte(7)} << 8 | byte(8);
    require(size <= kMaxFrame, "a frame is no larger than allowed", output);
    if (output.size() < kFrameHead + size) return;
    frame(byte(3), byte(4), id, output.substr(kFrameHead, size));
    output.remove_prefix(kFrameHead + size);
  }
}

void FrameCheck::frame(unsigned type, unsigned flags, uint32_t stream_id,
                       std::string_view payload) {
  const bool end = (flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool of_stream = type == NGHTTP2_HEADERS || type == NGHTTP2_DATA;
  require(!of_stream || stream_id % 2 == 1, "responses are on the client's streams", payload);
  Stream& stream = streams_[stream_id];
  switch (type) {
    case NGHTTP2_HEADERS:
      require((flags & NGHTTP2_FLAG_END_HEADERS) != 0, "a head fits one frame here", payload);
      return headers(stream, end, payload);
    case NGHTTP2_DATA: return data(stream, end, payload);
    case NGHTTP2_RST_STREAM: stream.state = Stream::State::ended; return;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
    case NGHTTP2_GOAWAY: require(stream_id == 0, "a frame of the connection", payload); return;
    case NGHTTP2_WINDOW_UPDATE: return;
    default: fail("a frame of a known type", std::to_string(type), payload);
  }
}

void FrameCheck::headers(Stream& stream, bool end, std::string_view block) {
  const Fields fields = inflate(block);
  require(stream.state != Stream::State::ended, "no HEADERS behind the end", block);
  if (stream.state == Stream::State::body) {
    require(end && fields.pseudo == 0, "trailers end the stream", block);
  } else {
    require(fields.pseudo == 1 && fields.status >= 100, "a response has a status", block);
    if (fields.status < 200) {
      require(!end && fields.status != 101, "an interim response is followed by another", block);
      return;
    }
    stream.state = Stream::State::body;
    if (const auto length = parse_decimal(fields.length)) {
      stream.has_length = !end;  // else it answers HEAD or is a 304
      stream.left = *length;
    }
  }
  if (!end) return;
  stream.state = Stream::State::ended;
  require(!stream.has_length || stream.left == 0, "as much body as promised", block);
}

void FrameCheck::data(Stream& stream, bool end, std::string_view payload) {
  require(stream.state == Stream::State::body, "DATA between HEADERS and the end", payload);
  if (stream.has_length) {
    require(payload.size() <= stream.left, "no more body than promised", payload);
    stream.left -= payload.size();
  }
  if (!end) return;
  stream.state = Stream::State::ended;
  require(!stream.has_length || stream.left == 0, "as much body as promised", payload);
}

FrameCheck::Fields FrameCheck::inflate(std::string_view block) {
  Fields fields;
  const auto* in = reinterpret_cast<const uint8_t*>(block.data());
  size_t left = block.size();
  while (true) {
    nghttp2_nv field{};
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, in, left, 1);
    if (used < 0) fail("a header block", block, "");
    in += used;
    left -= static_cast<size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      const std::string name(reinterpret_cast<const char*>(field.name), field.namelen);
      const std::string value(reinterpret_cast<const char*>(field.value), field.valuelen);
      for (const char c : name) require(to_lower(c) == c, "names in lower case", name);
      if (name.starts_with(':')) {
        ++fields.pseudo;
        fields.status = static_cast<unsigned>(parse_decimal(value).value_or(0));
      }
      if (name == "content-length") fields.length = value;
      require(name != "connection" && name != "transfer-encoding", "no field of HTTP/1", name);
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    if (left == 0 && (flags & NGHTTP2_HD_INFLATE_EMIT) == 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater_.get());
  return fields;
}

}  // namespace dmpm::fuzz
