#include "proxy/http1/request_parser.h"

#include "base/text.h"
#include "proxy/http/forwarding.h"
#include "proxy/http/request_rules.h"
#include "proxy/http/syntax.h"

namespace dmpm::http1 {

using http::BodyLength;
using http::Field;
using http::FieldName;
using http::Rejection;

namespace {

constexpr Rejection kBareLineFeed{400, "a line ends without a carriage return"};
constexpr Rejection kNotHttp{400, "this is not an HTTP request"};
constexpr Rejection kBadRequestLine{400, "the request line is malformed"};
constexpr Rejection kBadVersion{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
constexpr Rejection kBothFramings{400, "there are both Content-Length and Transfer-Encoding"};
constexpr Rejection kBadLength{400, "the Content-Length field is malformed"};
constexpr Rejection kManyLengths{400, "there is more than one Content-Length field"};
constexpr Rejection kBadCoding{400, "the Transfer-Encoding is not exactly \"chunked\""};
constexpr Rejection kCodingInHttp10{400, "there is a Transfer-Encoding in HTTP/1.0"};
constexpr Rejection kBadConnection{400, "the Connection field is malformed"};
constexpr Rejection kBadNomination{400, "the Connection field nominates an end-to-end field"};

// Beyond 63 bits some servers see a negative number.
constexpr uint64_t kMaxContentLength = INT64_MAX;

}  // namespace

void RequestParser::reset() {
  lines_.reset();
  section_.reset();
  fields_ = {};
  head_ = {};
  rejection_ = nullptr;
  empty_lines_ = upgrades_ = 0;
  have_request_line_ = done_ = wants_close_ = false;
  host_ = content_length_ = transfer_encoding_ = upgrade_ = nullptr;
  target_authority_ = {};
  options_ = {};
}

RequestParser::Progress RequestParser::reject(const Rejection& why) {
  rejection_ = &why;
  return Progress::rejected;
}

RequestParser::Progress RequestParser::parse(std::string_view input) {
  while (true) {
    if (!have_request_line_) {
      if (const Rejection* why = check_first_byte(input)) return reject(*why);
    }
    const LineScanner::Outcome outcome = lines_.next(input);
    const bool incomplete = outcome == LineScanner::Outcome::incomplete;
    // Sizes first, so that the answer does not depend on how the input was cut.
    if (!have_request_line_ &&
        line_size(input, incomplete) > http::longest_request_line(limits_.target_size)) {
      return reject(http::kTargetTooLong);
    }
    if ((incomplete ? input.size() : lines_.position()) > limits_.head_size) {
      return reject(http::kHeadTooLarge);
    }
    if (incomplete) return Progress::incomplete;
    if (outcome == LineScanner::Outcome::bare_line_feed) return reject(kBareLineFeed);
    if (const Rejection* why = parse_line(input)) return reject(*why);
    if (done_) return Progress::complete;
  }
}

// Of the line at hand, without its end.
size_t RequestParser::line_size(std::string_view input, bool incomplete) const {
  if (!incomplete) return lines_.end() - lines_.begin();
  const std::string_view line = input.substr(lines_.position());
  return line.size() - (line.ends_with('\r') ? 1 : 0);
}

// A TLS record or other noise need not be waited for until it happens to hold a line feed.
const Rejection* RequestParser::check_first_byte(std::string_view input) const {
  if (input.size() == lines_.position()) return nullptr;
  const std::string_view first = input.substr(lines_.position(), 1);
  if (first == "\r" || http::is_token(first)) return nullptr;
  return first == "\n" ? &kBareLineFeed : &kNotHttp;
}

const Rejection* RequestParser::parse_line(std::string_view input) {
  const std::string_view line = input.substr(lines_.begin(), lines_.end() - lines_.begin());
  if (!have_request_line_) {
    // One empty line before a request is tolerated (RFC 9112 2.2).
    if (line.empty()) return empty_lines_++ == 0 ? nullptr : &kBadRequestLine;
    have_request_line_ = true;
    return parse_request_line(line);
  }
  if (!line.empty())
    return section_.add_line(input, lines_.begin(), lines_.end(), limits_.head_fields);
  done_ = true;
  return finish(input);
}

const Rejection* RequestParser::parse_request_line(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return &kBadRequestLine;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!http::is_token(method)) return &kBadRequestLine;
  if (target.empty() || target.find(' ') != std::string_view::npos) return &kBadRequestLine;
  if (target.size() > limits_.target_size) return &http::kTargetTooLong;
  if (const Rejection* why = parse_version(line.substr(last + 1))) return why;
  head_.is_head = method == "HEAD";
  method_size_ = method.size();
  target_begin_ = lines_.begin() + first + 1;
  target_size_ = target.size();
  return nullptr;
}

const Rejection* RequestParser::parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return nullptr;
  if (text == "HTTP/1.0") {
    head_.http_1_0 = true;
    return nullptr;
  }
  const bool well_formed = text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.' &&
                           text[5] >= '0' && text[5] <= '9' && text[7] >= '0' && text[7] <= '9';
  return well_formed ? &kBadVersion : &kBadRequestLine;
}

const Rejection* RequestParser::finish(std::string_view input) {
  fields_ = section_.finish(input);
  const Rejection* why = split_target(input);
  if (why == nullptr) why = read_fields();
  if (why == nullptr) why = check_host();
  if (why == nullptr) why = choose_framing();
  if (why == nullptr) why = apply_connection();
  head_.fields = fields_;
  return why;
}

// RFC 9112 3.2: origin-form, absolute-form, or asterisk-form for OPTIONS.
const Rejection* RequestParser::split_target(std::string_view input) {
  const size_t line_begin = target_begin_ - method_size_ - 1;
  head_.method = input.substr(line_begin, method_size_);
  head_.target = input.substr(target_begin_, target_size_);
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equals_ignoring_case(head_.target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = head_.target.substr(scheme.size());
    const size_t path = rest.find_first_of("/?#");
    target_authority_ = rest.substr(0, path);
    if (target_authority_.empty()) return &http::kBadTarget;
    if (path != std::string_view::npos && rest[path] == '?') {
      target_ = concat({"/", rest.substr(path)});  // RFC 9112 3.2.1: an empty path is "/"
      head_.target = target_;
    } else if (path != std::string_view::npos) {
      head_.target = rest.substr(path);
    } else {
      head_.target = head_.method == "OPTIONS" ? "*" : "/";
    }
  }
  return http::check_target(head_);
}

const Rejection* RequestParser::read_fields() {
  for (Field& field : fields_) {
    switch (field.id) {
      case FieldName::host:
        if (host_ != nullptr) return &http::kManyHosts;
        host_ = &field;
        break;
      case FieldName::content_length:
        if (content_length_ != nullptr) return &kManyLengths;
        content_length_ = &field;
        break;
      case FieldName::transfer_encoding:
        if (transfer_encoding_ != nullptr) return &kBadCoding;
        transfer_encoding_ = &field;
        break;
      case FieldName::connection:
        if (!options_.add(field.value)) return &kBadConnection;
        break;
      case FieldName::upgrade:
        upgrade_ = &field;
        ++upgrades_;
        break;
      default: break;
    }
    if (const Rejection* why = http::read_field(field, head_)) return why;
  }
  return nullptr;
}

const Rejection* RequestParser::check_host() {
  // RFC 9112 3.2: HTTP/1.1 has exactly one. Without any there is nothing to route by.
  if (host_ == nullptr && (!head_.http_1_0 || target_authority_.empty())) return &http::kNoHost;
  head_.authority = host_ != nullptr ? host_->value : target_authority_;
  if (!target_authority_.empty() && !equals_ignoring_case(target_authority_, head_.authority)) {
    return &http::kHostDiffers;
  }
  return http::check_authority(head_);
}

// RFC 9112 6.3, where it says "reject".
const Rejection* RequestParser::choose_framing() {
  if (transfer_encoding_ != nullptr) {
    if (content_length_ != nullptr) return &kBothFramings;
    if (head_.http_1_0) return &kCodingInHttp10;
    if (!equals_ignoring_case(transfer_encoding_->value, "chunked")) return &kBadCoding;
    head_.body = BodyLength::unknown;
  } else if (content_length_ != nullptr) {
    const auto length = parse_decimal(content_length_->value);
    if (!length || *length > kMaxContentLength) return &kBadLength;
    if (limits_.body_size > 0 && *length > limits_.body_size) return &http::kBodyTooLarge;
    head_.body = BodyLength::known;
    head_.content_length = *length;
  }
  // Without a body nothing waits for the 100.
  if (head_.body != BodyLength::unknown && head_.content_length == 0)
    head_.expects_continue = false;
  return nullptr;
}

const Rejection* RequestParser::apply_connection() {
  for (const std::string_view name : options_.nominated()) {
    const FieldName id = http::classify_field(name);
    if (is_end_to_end(id)) return &kBadNomination;
    for (Field& field : fields_) {
      if (field.id == id && equals_ignoring_case(field.name, name)) field.forward = false;
    }
  }
  wants_close_ = options_.close() || (head_.http_1_0 && !options_.keep_alive());
  // More than one Upgrade field is a list: a choice that we do not leave to the worker.
  if (options_.upgrade() && upgrades_ == 1 && !head_.http_1_0 && head_.method == "GET" &&
      head_.body == BodyLength::none && http::may_upgrade_to(upgrade_->value)) {
    head_.upgrade = upgrade_->value;
  }
  return nullptr;
}

}  // namespace dmpm::http1
