// A reader of HTTP/1.1 messages for tests: knows only what the dispatcher may write, says of
// anything else what is wrong, and shares no code with the parsers under test.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dmpm::test {

struct Message {
  std::string head;  // with its empty line
  std::string body;  // decoded
  bool chunked = false;
  bool complete = false;
  size_t size = 0;  // of the message on the wire, when complete

  // head and body; a chunked body as one chunk and the last one, as far as it has come.
  std::string normal() const;
  // The value of a field, or nothing.
  std::optional<std::string> field(std::string_view name) const;
  unsigned status() const;  // of a response
};

// What ends a message that has neither Content-Length nor Transfer-Encoding.
enum class NoFraming { empty, until_close };

// Reads the message at the beginning of `bytes`; an incomplete one gives what there is of it, with
// an empty head while that is not whole. `bodiless`: no body follows, whatever the fields say.
// `ended`: nothing will follow `bytes`. Throws std::runtime_error for what no HTTP/1.1 sender may
// write.
Message read_message(std::string_view bytes, NoFraming no_framing, bool bodiless, bool ended);

// Replaces the value of each Date field of this century by "@".
std::string without_dates(std::string_view bytes);

}  // namespace dmpm::test
