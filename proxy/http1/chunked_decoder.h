// ChunkedDecoder: the chunked transfer coding (RFC 9112 7.1), strictly: sizes of hexadecimal digits
// only, CRLF only, extensions bounded and dropped, trailer fields checked and dropped.
//
//   chunk = 1*HEXDIG [ extensions ] CRLF  data CRLF
//   last  = 1*"0"    [ extensions ] CRLF  *( field CRLF )  CRLF
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/rejection.h"

namespace dmpm::http1 {

class ChunkedDecoder {
 public:
  enum class Progress {
    incomplete,  // all input used, more must come
    data,        // `data` is a piece of the body; call again
    complete,    // the body is over; `input` begins behind it
    rejected,
  };

  void reset() { *this = ChunkedDecoder(); }
  // Takes from the front of `input` what it uses. `data` points into it.
  Progress decode(std::string_view& input, std::string_view& data);
  const http::Rejection& rejection() const { return *rejection_; }
  // After `complete`: the trailer fields that may be passed on, as lines with their CRLF.
  std::string_view trailers() const { return trailers_; }

 private:
  enum class State : uint8_t {
    size,       // before or in the hexadecimal digits
    extension,  // behind them, until CR
    size_feed,  // the LF of the size line
    data,
    data_return,  // the CR behind the data
    data_feed,
    trailer,  // in a trailer line (collected in line_)
    trailer_feed,
    complete,
  };
  Progress reject(const http::Rejection& why);
  const http::Rejection* step(char c);
  const http::Rejection* end_trailer_line();

  State state_ = State::size;
  bool have_digits_ = false;
  uint64_t left_ = 0;           // of the chunk's size, then of its data
  size_t line_size_ = 0;        // of the current size line
  size_t extension_bytes_ = 0;  // so far, of the whole body
  size_t trailer_bytes_ = 0;
  std::string line_;  // a trailer line: rare, so an allocation is fine
  std::string trailers_;
  const http::Rejection* rejection_ = nullptr;
};

}  // namespace dmpm::http1
