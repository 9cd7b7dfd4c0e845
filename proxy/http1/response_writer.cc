#include "proxy/http1/response_writer.h"

#include <array>
#include <charconv>
#include <ctime>

#include "proxy/http/error_page.h"

namespace dmpm::http1 {

namespace {

void append_number(std::string& out, uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<size_t>(end - digits.data()));
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

// RFC 9110 6.6.1: who forwards a response without a Date adds one.
void append_date(std::string& out) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 40> text;
  const size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  append_field(out, "Date", {text.data(), size});
}

}  // namespace

void append_response_head(std::string& out, const http::ResponseHead& head,
                          const ResponseOptions& options) {
  out += "HTTP/1.1 ";
  append_number(out, head.status);
  out += ' ';
  out += head.reason;
  out += "\r\n";
  bool dated = false;
  for (const http::Field& field : head.fields) {
    if (!field.forward) continue;
    dated |= field.id == http::FieldName::date;
    append_field(out, field.name, field.value);
  }
  if (!dated && head.status >= 200) append_date(out);
  if (head.body == http::BodyLength::known || head.shows_content_length) {
    out += "Content-Length: ";
    append_number(out, head.content_length);
    out += "\r\n";
  }
  if (options.chunked) append_field(out, "Transfer-Encoding", "chunked");
  if (!options.upgrade.empty()) {
    append_field(out, "Connection", "Upgrade");
    append_field(out, "Upgrade", options.upgrade);
  } else if (options.close) {
    append_field(out, "Connection", "close");
  } else if (options.keep_alive) {
    append_field(out, "Connection", "keep-alive");
  }
  out += "\r\n";
}

}  // namespace dmpm::http1
