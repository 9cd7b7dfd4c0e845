// FrameCheck: reads an HTTP/2 server's output frame by frame and says what RFC 9113 forbids: the
// frames' form, the header blocks, the order of HEADERS and DATA in each stream, and the length of
// a body. Incomplete output is accepted as far as it goes.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace dmpm::fuzz {

class FrameCheck {
 public:
  FrameCheck();
  // Ends the process when it is not legal.
  void check(std::string_view output);

 private:
  struct Stream {
    enum class State { awaited, body, ended } state = State::awaited;
    bool has_length = false;
    uint64_t left = 0;  // of the promised length
  };
  struct Fields {
    unsigned status = 0;
    std::string length;
    size_t pseudo = 0;
  };
  struct Deleter {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };
  void frame(unsigned type, unsigned flags, uint32_t stream_id, std::string_view payload);
  void headers(Stream& stream, bool end, std::string_view block);
  void data(Stream& stream, bool end, std::string_view payload);
  Fields inflate(std::string_view block);

  std::unique_ptr<nghttp2_hd_inflater, Deleter> inflater_;
  std::map<uint32_t, Stream> streams_;
};

}  // namespace dmpm::fuzz
