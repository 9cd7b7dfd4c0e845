#include "logger/access_line.h"

#include <array>

#include "base/printable.h"
#include "base/text.h"

namespace dmpm {

using exchange_protocol::kNoTime;
using exchange_protocol::Outcome;
using exchange_protocol::Protocol;
using exchange_protocol::Text;

namespace {

std::string_view name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::http_1_0: return "HTTP/1.0";
    case Protocol::http_1_1: return "HTTP/1.1";
    case Protocol::http_2: return "HTTP/2.0";
    case Protocol::unknown: break;
  }
  return {};
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::complete: return "complete";
    case Outcome::client_left: return "client_left";
    case Outcome::aborted: break;
  }
  return "aborted";
}

void append_thousandths(LineBuffer& out, uint64_t number) {
  for (const uint64_t unit : {100U, 10U, 1U}) out += static_cast<char>('0' + number / unit % 10);
}

// Seconds.
void append_time(LineBuffer& out, uint64_t ms) {
  out += ms / 1000;
  out += '.';
  append_thousandths(out, ms);
}

void append_time_or_dash(LineBuffer& out, uint32_t ms) {
  if (ms == kNoTime) {
    out += '-';
  } else {
    append_time(out, ms);
  }
}

void append_hex(LineBuffer& out, std::string_view prefix, unsigned char byte) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += prefix;
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// As base/text.h does it.
void append_escaped(LineBuffer& out, std::string_view text) {
  while (true) {
    const size_t plain = plain_prefix(text);
    out += text.substr(0, plain);
    if (plain == text.size()) return;
    append_hex(out, "\\x", static_cast<unsigned char>(text[plain]));
    text.remove_prefix(plain + 1);
  }
}

void append_or_dash(LineBuffer& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
  } else {
    append_escaped(out, text);
  }
}

bool was_cut(const ReportedExchange& exchange, Text which) {
  return (exchange.record.cut >> which & 1U) != 0;
}

void append_client_text(LineBuffer& out, const ReportedExchange& exchange, Text which) {
  append_or_dash(out, exchange.texts[which]);
  if (was_cut(exchange, which)) out += "...";
}

void append_request(LineBuffer& out, const ReportedExchange& exchange) {
  if (exchange.texts[Text::method].empty()) {
    out += '-';  // it was rejected before it was understood
    return;
  }
  append_client_text(out, exchange, Text::method);
  out += ' ';
  append_client_text(out, exchange, Text::target);
  out += ' ';
  out += name_of(exchange.record.protocol);
}

std::string_view scheme_of(const ReportedExchange& exchange) {
  return exchange.texts[Text::tls_protocol].empty() ? "http" : "https";
}

// ---- JSON ----

void append_json_text(LineBuffer& out, std::string_view text) {
  while (true) {
    const size_t plain = plain_prefix(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    const auto byte = static_cast<unsigned char>(text[0]);
    size_t size = 1;
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[0];
    } else if (byte < 0x20 || byte == 0x7f) {
      append_hex(out, "\\u00", byte);
    } else if ((size = printable_size(text)) > 0) {
      out += text.substr(0, size);
    } else {
      size = 1;
      append_hex(out, "\\\\x", byte);
    }
    text.remove_prefix(size);
  }
}

// Members of an object. `key` comes with all that is before its value: ,"key":
void append_member(LineBuffer& out, std::string_view key, std::string_view text, bool cut = false) {
  if (text.empty()) return;
  out += key;
  out += '"';
  append_json_text(out, text);
  if (cut) out += "...";
  out += '"';
}

void append_number_member(LineBuffer& out, std::string_view key, uint64_t number) {
  out += key;
  out += number;
}

void append_time_member(LineBuffer& out, std::string_view key, uint32_t ms) {
  if (ms == kNoTime) return;
  out += key;
  append_time(out, ms);
}

}  // namespace

void AccessLine::append(std::string& out, const AccessFormat& format,
                        const ReportedExchange& exchange, const AccessContext& context) {
  set_time(context.wall_clock);
  line_.clear();
  if (format.json) {
    append_json(exchange, context);
  } else {
    append_text(format, exchange, context);
  }
  line_ += '\n';
  out += line_.view();
}

void AccessLine::set_time(int64_t wall_clock) {
  const time_t second = static_cast<time_t>(wall_clock / 1000);
  if (second == second_) return;
  second_ = second;
  // UTC, and no locale: the logger's root directory holds no time zone files.
  tm parts{};
  ::gmtime_r(&second, &parts);
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  iso_.assign(text, size);
  size = std::strftime(text, sizeof text, "%Y:%H:%M:%S +0000", &parts);
  local_.clear();
  local_ += static_cast<char>('0' + parts.tm_mday / 10);
  local_ += static_cast<char>('0' + parts.tm_mday % 10);
  local_ += '/';
  local_ += kMonths[static_cast<size_t>(parts.tm_mon)];
  local_ += '/';
  local_.append(text, size);
}

void AccessLine::append_text(const AccessFormat& format, const ReportedExchange& exchange,
                             const AccessContext& context) {
  for (const AccessFormat::Piece& piece : format.pieces) {
    if (piece.variable == AccessVariable::literal) {
      line_ += piece.text;
    } else {
      append_variable(line_, piece.variable, exchange, context);
    }
  }
}

void AccessLine::append_variable(LineBuffer& out, AccessVariable variable,
                                 const ReportedExchange& exchange, const AccessContext& context) {
  const exchange_protocol::Record& record = exchange.record;
  switch (variable) {
    case AccessVariable::literal: return;
    case AccessVariable::body_bytes_received: out += record.body_received; return;
    case AccessVariable::body_bytes_sent: out += record.body_sent; return;
    case AccessVariable::connection_requests: out += uint64_t{record.connection_requests}; return;
    case AccessVariable::error_id: return append_client_text(out, exchange, Text::error_id);
    case AccessVariable::first_byte_time: return append_time_or_dash(out, record.first_byte);
    case AccessVariable::group: return append_or_dash(out, context.group);
    case AccessVariable::host: return append_client_text(out, exchange, Text::host);
    case AccessVariable::http_referer: return append_client_text(out, exchange, Text::referer);
    case AccessVariable::http_user_agent:
      return append_client_text(out, exchange, Text::user_agent);
    case AccessVariable::msec: return append_time(out, static_cast<uint64_t>(context.wall_clock));
    case AccessVariable::outcome: out += name_of(record.outcome); return;
    case AccessVariable::queue_time: return append_time_or_dash(out, record.queue);
    case AccessVariable::remote_addr: return append_client_text(out, exchange, Text::client);
    case AccessVariable::request: return append_request(out, exchange);
    case AccessVariable::request_method: return append_client_text(out, exchange, Text::method);
    case AccessVariable::request_time: return append_time(out, record.total);
    case AccessVariable::request_uri: return append_client_text(out, exchange, Text::target);
    case AccessVariable::scheme: out += scheme_of(exchange); return;
    case AccessVariable::server_name: return append_or_dash(out, context.server_name);
    case AccessVariable::server_protocol: return append_or_dash(out, name_of(record.protocol));
    case AccessVariable::ssl_cipher: return append_client_text(out, exchange, Text::tls_cipher);
    case AccessVariable::ssl_protocol: return append_client_text(out, exchange, Text::tls_protocol);
    case AccessVariable::status: out += uint64_t{record.status}; return;
    case AccessVariable::time_iso8601:
      out += iso_;
      out += "+00:00";
      return;
    case AccessVariable::time_local: out += local_; return;
    case AccessVariable::tls_time: return append_time_or_dash(out, record.tls);
  }
}

void AccessLine::append_json(const ReportedExchange& exchange, const AccessContext& context) {
  const exchange_protocol::Record& record = exchange.record;
  const auto client_text = [&](std::string_view key, Text which) {
    append_member(line_, key, exchange.texts[which], was_cut(exchange, which));
  };
  line_ += R"({"time":")";
  line_ += iso_;
  line_ += '.';
  append_thousandths(line_, static_cast<uint64_t>(context.wall_clock));
  line_ += R"(Z")";
  client_text(R"(,"remote_addr":)", Text::client);
  client_text(R"(,"request_method":)", Text::method);
  client_text(R"(,"request_uri":)", Text::target);
  append_member(line_, R"(,"server_protocol":)", name_of(record.protocol));
  append_member(line_, R"(,"scheme":)", scheme_of(exchange));
  client_text(R"(,"host":)", Text::host);
  append_member(line_, R"(,"server_name":)", context.server_name);
  append_member(line_, R"(,"group":)", context.group);
  append_number_member(line_, R"(,"status":)", record.status);
  append_member(line_, R"(,"outcome":)", name_of(record.outcome));
  append_number_member(line_, R"(,"body_bytes_sent":)", record.body_sent);
  append_number_member(line_, R"(,"body_bytes_received":)", record.body_received);
  append_time_member(line_, R"(,"request_time":)", record.total);
  append_time_member(line_, R"(,"first_byte_time":)", record.first_byte);
  append_time_member(line_, R"(,"queue_time":)", record.queue);
  append_time_member(line_, R"(,"tls_time":)", record.tls);
  append_number_member(line_, R"(,"connection_requests":)", record.connection_requests);
  client_text(R"(,"http_referer":)", Text::referer);
  client_text(R"(,"http_user_agent":)", Text::user_agent);
  client_text(R"(,"ssl_protocol":)", Text::tls_protocol);
  client_text(R"(,"ssl_cipher":)", Text::tls_cipher);
  client_text(R"(,"error_id":)", Text::error_id);
  line_ += '}';
}

}  // namespace dmpm
