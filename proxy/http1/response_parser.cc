#include "proxy/http1/response_parser.h"

#include "base/text.h"
#include "proxy/http/forwarding.h"
#include "proxy/http/syntax.h"
#include "proxy/limits.h"

namespace dmpm::http1 {

using http::BodyLength;
using http::Field;
using http::FieldName;
using http::Rejection;

namespace {

constexpr Rejection kBareLineFeed{502, "the worker ended a line without a carriage return"};
constexpr Rejection kBadStatusLine{502, "the worker's status line is malformed"};
constexpr Rejection kHeadTooLarge{502, "the worker's response head is too large"};
constexpr Rejection kBadField{502, "the worker sent a malformed header field"};
constexpr Rejection kBothFramings{502, "the worker sent Content-Length and Transfer-Encoding"};
constexpr Rejection kBadLength{502, "the worker sent a malformed or repeated Content-Length"};
constexpr Rejection kBadCoding{502, "the worker sent an unknown Transfer-Encoding"};
constexpr Rejection kBadConnection{502, "the worker sent a malformed Connection field"};
constexpr Rejection kUnaskedUpgrade{502,
                                    "the worker switched to a protocol that was not asked for"};

constexpr uint64_t kMaxContentLength = INT64_MAX;

}  // namespace

void ResponseParser::reset(bool request_is_head, std::string_view requested_upgrade) {
  lines_.reset();
  section_.reset();
  head_ = {};
  rejection_ = nullptr;
  framing_ = Framing::none;
  reason_begin_ = reason_size_ = 0;
  request_is_head_ = request_is_head;
  requested_upgrade_ = requested_upgrade;
  have_status_line_ = done_ = http_1_0_ = keep_alive_ = false;
}

ResponseParser::Progress ResponseParser::reject(const Rejection& why) {
  rejection_ = &why;
  return Progress::rejected;
}

ResponseParser::Progress ResponseParser::parse(std::string_view input) {
  while (true) {
    switch (lines_.next(input)) {
      case LineScanner::Outcome::bare_line_feed: return reject(kBareLineFeed);
      case LineScanner::Outcome::incomplete:
        return input.size() > limits::kMaxResponseHead ? reject(kHeadTooLarge)
                                                       : Progress::incomplete;
      case LineScanner::Outcome::line: break;
    }
    if (lines_.position() > limits::kMaxResponseHead) return reject(kHeadTooLarge);
    if (const Rejection* why = parse_line(input)) return reject(*why);
    if (done_) return Progress::complete;
  }
}

const Rejection* ResponseParser::parse_line(std::string_view input) {
  const std::string_view line = input.substr(lines_.begin(), lines_.end() - lines_.begin());
  if (!have_status_line_) {
    have_status_line_ = true;
    return parse_status_line(line);
  }
  if (line.empty()) {
    done_ = true;
    return finish(input);
  }
  return section_.add_line(input, lines_.begin(), lines_.end(), limits::kMaxResponseFields) ==
                 nullptr
             ? nullptr
             : &kBadField;
}

// status-line = HTTP-version SP status-code [ SP reason-phrase ]
const Rejection* ResponseParser::parse_status_line(std::string_view line) {
  const bool known = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  if (!known || line.size() < 12) return &kBadStatusLine;
  http_1_0_ = line[7] == '0';
  const auto status = parse_decimal(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return &kBadStatusLine;
  if (line.size() > 12 && line[12] != ' ') return &kBadStatusLine;
  head_.status = static_cast<unsigned>(*status);
  if (line.size() > 13) {
    if (!http::is_field_value(line.substr(13))) return &kBadStatusLine;
    reason_begin_ = lines_.begin() + 13;
    reason_size_ = line.size() - 13;
  }
  return nullptr;
}

const Rejection* ResponseParser::finish(std::string_view input) {
  head_.reason = input.substr(reason_begin_, reason_size_);
  const std::span<Field> fields = section_.finish(input);
  const Field* length = nullptr;
  const Field* coding = nullptr;
  ConnectionOptions options;
  for (Field& field : fields) {
    field.forward = http::forwards_to_client(field);
    if (field.id == FieldName::content_length) {
      // Equal repeated lengths are known from CGI programs behind servers; still ambiguous: refused.
      if (length != nullptr) return &kBadLength;
      length = &field;
    } else if (field.id == FieldName::transfer_encoding) {
      if (coding != nullptr) return &kBadCoding;
      coding = &field;
    } else if (field.id == FieldName::connection && !options.add(field.value)) {
      return &kBadConnection;
    }
  }
  for (const std::string_view name : options.nominated()) {
    for (Field& field : fields) {
      if (!is_end_to_end(field.id) && equals_ignoring_case(field.name, name)) field.forward = false;
    }
  }
  head_.fields = fields;
  keep_alive_ = !options.close() && (!http_1_0_ || options.keep_alive());
  if (head_.status == 101) return check_upgrade(options.upgrade());
  return choose_framing(length, coding);
}

// RFC 9110 15.2.2: to the one protocol that was asked for.
const Rejection* ResponseParser::check_upgrade(bool nominated) {
  size_t fields = 0;
  bool same = true;
  for (const Field& field : head_.fields) {
    if (field.id != FieldName::upgrade) continue;
    ++fields;
    same &= equals_ignoring_case(field.value, requested_upgrade_);
  }
  if (requested_upgrade_.empty() || fields != 1 || !same || !nominated) return &kUnaskedUpgrade;
  framing_ = Framing::tunnel;
  head_.body = BodyLength::unknown;
  return nullptr;
}

// RFC 9112 6.3.
const Rejection* ResponseParser::choose_framing(const Field* length, const Field* coding) {
  if (coding != nullptr) {
    if (length != nullptr) return &kBothFramings;
    if (http_1_0_ || !equals_ignoring_case(coding->value, "chunked")) return &kBadCoding;
  }
  if (length != nullptr) {
    const auto value = parse_decimal(length->value);
    if (!value || *value > kMaxContentLength) return &kBadLength;
    head_.content_length = *value;
  }
  if (head_.status < 200 || head_.status == 204) {
    // No body and no framing field, whatever the worker said (RFC 9110 8.6).
    head_.content_length = 0;
  } else if (request_is_head_ || head_.status == 304) {
    head_.shows_content_length = length != nullptr;
  } else if (coding != nullptr) {
    framing_ = Framing::chunked;
    head_.body = BodyLength::unknown;
  } else if (length != nullptr) {
    framing_ = Framing::length;
    head_.body = BodyLength::known;
  } else {
    framing_ = Framing::until_close;
    head_.body = BodyLength::unknown;
    keep_alive_ = false;
  }
  return nullptr;
}

}  // namespace dmpm::http1
