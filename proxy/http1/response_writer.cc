#include "proxy/http1/response_writer.h"

#include <array>
#include <charconv>

#include "proxy/http/date.h"

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
  if (!dated && head.status >= 200) {
    std::array<char, 40> date;
    append_field(out, "Date", http::format_date(date));
  }
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
