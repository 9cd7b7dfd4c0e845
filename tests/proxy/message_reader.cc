#include "tests/proxy/message_reader.h"

#include <array>
#include <charconv>
#include <stdexcept>

#include "base/text.h"

namespace dmpm::test {

namespace {

[[noreturn]] void fail(std::string_view what) {
  throw std::runtime_error(concat({"not HTTP as the dispatcher may write it: ", what}));
}

// The head's lines: each ends in CRLF, has no other CR, LF or NUL, and "name: value" but for the
// first.
void check_head(std::string_view head) {
  bool first = true;
  while (head != "\r\n") {
    const size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
      fail("a control character in the head");
    }
    const size_t colon = line.find(':');
    if (!first && (colon == 0 || colon == std::string_view::npos || line.substr(colon, 2) != ": " ||
                   line.substr(0, colon).find_first_of(" \t") != std::string_view::npos)) {
      fail("a header line");
    }
    first = false;
    head.remove_prefix(end + 2);
  }
}

// Lower-case digits without leading zeros, no extension, no trailer.
void read_chunks(Message& message, std::string_view rest, size_t before) {
  const size_t all = rest.size();
  while (true) {
    const size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return;
    size_t size = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + end, size, 16);
    if (error != std::errc() || stop != rest.data() + end) fail("a chunk size");
    if (end > 1 && rest[0] == '0') fail("a chunk size with leading zeros");
    rest.remove_prefix(end + 2);
    message.body += rest.substr(0, size);
    if (rest.size() < size + 2) return;
    if (rest.substr(size, 2) != "\r\n") fail("the end of a chunk");
    rest.remove_prefix(size + 2);
    if (size == 0) break;
  }
  message.complete = true;
  message.size = before + all - rest.size();
}

}  // namespace

std::optional<std::string> Message::field(std::string_view name) const {
  std::optional<std::string> found;
  std::string_view rest = head;
  for (size_t end = rest.find("\r\n"); end != std::string_view::npos; end = rest.find("\r\n")) {
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos || !equals_ignoring_case(line.substr(0, colon), name)) {
      continue;
    }
    if (found && !equals_ignoring_case(name, "set-cookie")) fail(concat({"two fields ", name}));
    found = line.substr(colon + 2);
  }
  return found;
}

unsigned Message::status() const {
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 13 || head[12] != ' ') fail("a status line");
  const auto status = parse_decimal(std::string_view(head).substr(9, 3));
  if (!status) fail("a status");
  return static_cast<unsigned>(*status);
}

std::string Message::normal() const {
  if (!chunked) return head + body;
  std::array<char, 18> digits;
  char* const end =
      std::to_chars(digits.data(), digits.data() + digits.size(), body.size(), 16).ptr;
  std::string out = head;
  if (!body.empty()) {
    out +=
        concat({{digits.data(), static_cast<size_t>(end - digits.data())}, "\r\n", body, "\r\n"});
  }
  if (complete) out += "0\r\n\r\n";
  return out;
}

Message read_message(std::string_view bytes, NoFraming no_framing, bool bodiless, bool ended) {
  Message message;
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return message;
  message.head = bytes.substr(0, end + 4);
  check_head(message.head);
  const std::string_view rest = bytes.substr(end + 4);
  const auto length = message.field("Content-Length");
  const auto coding = message.field("Transfer-Encoding");
  if (length && coding) fail("both framings");
  message.size = message.head.size();
  if (bodiless) {
    message.complete = true;
  } else if (coding) {
    if (*coding != "chunked") fail("a transfer coding");
    message.chunked = true;
    read_chunks(message, rest, message.head.size());
  } else if (length || no_framing == NoFraming::empty) {
    const auto size = parse_decimal(length.value_or("0"));
    if (!size) fail("a content length");
    message.body = rest.substr(0, static_cast<size_t>(*size));
    message.complete = message.body.size() == *size;
    message.size += message.body.size();
  } else {
    message.body = rest;
    message.complete = ended;
    message.size = bytes.size();
  }
  return message;
}

std::string without_dates(std::string_view bytes) {
  constexpr std::string_view kField = "\r\nDate: ";
  constexpr std::string_view kExample = "Tue, 15 Nov 2094 08:12:31 GMT";
  std::string out(bytes);
  for (size_t at = out.find(kField); at != std::string::npos; at = out.find(kField, at + 1)) {
    const size_t value = at + kField.size();
    const size_t size = out.find("\r\n", value) - value;
    if (size == kExample.size() && out.compare(value + 12, 2, "20") == 0)
      out.replace(value, size, "@");
  }
  return out;
}

}  // namespace dmpm::test
