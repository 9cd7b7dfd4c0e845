#include "proxy/http2/header_block.h"

#include <sys/random.h>

#include <array>

#include "base/kept_memory.h"
#include "base/text.h"
#include "proxy/http/request_rules.h"
#include "proxy/http/syntax.h"
#include "proxy/limits.h"

namespace dmpm::http2 {

using http::BodyLength;
using http::Field;
using http::FieldName;
using http::Rejection;

namespace {

constexpr Rejection kBadMethod{400, "the method is malformed"};
constexpr Rejection kBadScheme{400, "the scheme is neither http nor https"};
constexpr Rejection kBadField{400, "a header field is malformed"};
constexpr Rejection kBadLength{400, "the Content-Length field is malformed"};
constexpr Rejection kNotUpgradable{501, "this protocol is not supported"};

constexpr size_t kFieldOverhead = 32;  // RFC 9113 6.5.2

// Sec-WebSocket-Key: 16 random bytes in base64 (RFC 6455 4.1).
std::string random_key() {
  std::array<unsigned char, 16> bytes{};
  // Only there to tell handshakes apart: a short answer from the kernel would do as well.
  [[maybe_unused]] const ssize_t size = ::getrandom(bytes.data(), bytes.size(), 0);
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned second = i + 1 < bytes.size() ? bytes[i + 1] : 0u;
    const unsigned third = i + 2 < bytes.size() ? bytes[i + 2] : 0u;
    const unsigned bits = static_cast<unsigned>(bytes[i]) << 16 | second << 8 | third;
    for (int shift = 18; shift >= 0; shift -= 6) text += kAlphabet[bits >> shift & 63];
  }
  text.replace(22, 2, "==");
  return text;
}

}  // namespace

void HeaderBlock::reset() {
  clear_keeping(bytes_, limits::kKeptOfHead);
  clear_keeping(lines_, limits::kKeptFields);
  clear_keeping(cookie_, limits::kKeptOfHead);
  clear_keeping(fields_, limits::kKeptFields);
  head_ = {};
  have_host_ = have_cookie_ = false;
  content_length_ = protocol_ = {};
  total_size_ = field_count_ = regular_fields_ = 0;
  too_many_ = extended_connect_ = false;
}

void HeaderBlock::add(std::string_view name, std::string_view value) {
  total_size_ += name.size() + value.size() + kFieldOverhead;
  ++field_count_;
  if (total_size_ > limits_.head_size) return;
  if (name == "cookie") {
    if (have_cookie_) cookie_ += "; ";
    have_cookie_ = true;
    cookie_ += value;
    return;
  }
  if (!name.starts_with(':') && ++regular_fields_ > limits_.head_fields) {
    too_many_ = true;
    return;
  }
  const auto at = static_cast<uint32_t>(bytes_.size());
  lines_.push_back({at, static_cast<uint32_t>(name.size()), at + static_cast<uint32_t>(name.size()),
                    static_cast<uint32_t>(value.size())});
  bytes_ += name;
  bytes_ += value;
}

std::string_view HeaderBlock::name_of(const Line& line) const {
  return std::string_view(bytes_).substr(line.name, line.name_size);
}

std::string_view HeaderBlock::value_of(const Line& line) const {
  return std::string_view(bytes_).substr(line.value, line.value_size);
}

const Rejection* HeaderBlock::finish(bool end_stream) {
  if (total_size_ > limits_.head_size) return &http::kHeadTooLarge;
  if (too_many_) return &http::kTooManyFields;
  if (const Rejection* why = add_pseudo_fields()) return why;
  if (const Rejection* why = add_fields()) return why;
  head_.fields = fields_;
  return check_body(end_stream);
}

// RFC 9113 8.3.1; nghttp2 has checked which are there and that none comes twice.
const Rejection* HeaderBlock::add_pseudo_fields() {
  std::string_view scheme;
  for (const Line& line : lines_) {
    const std::string_view name = name_of(line), value = value_of(line);
    if (name == ":method") head_.method = value;
    if (name == ":path") head_.target = value;
    if (name == ":authority") head_.authority = value;
    if (name == ":scheme") scheme = value;
    if (name == ":protocol") protocol_ = value;
  }
  if (!http::is_token(head_.method)) return &kBadMethod;
  head_.is_head = head_.method == "HEAD";
  const size_t line = http::request_line_size(head_.method, head_.target);
  if (head_.target.size() > limits_.target_size ||
      line > http::longest_request_line(limits_.target_size)) {
    return &http::kTargetTooLong;
  }
  // RFC 8441: a WebSocket is asked for with CONNECT; for the worker it is an Upgrade.
  if (head_.method == "CONNECT" && !protocol_.empty()) {
    if (!equals_ignoring_case(protocol_, "websocket")) return &kNotUpgradable;
    extended_connect_ = true;
    head_.method = "GET";
    head_.upgrade = "websocket";
  }
  if (const Rejection* why = http::check_target(head_)) return why;
  return equals_ignoring_case(scheme, "https") || equals_ignoring_case(scheme, "http")
             ? nullptr
             : &kBadScheme;
}

const Rejection* HeaderBlock::add_fields() {
  for (const Line& line : lines_) {
    if (name_of(line).starts_with(':')) continue;
    // RFC 8441 has no key; the worker's own handshake needs one, which is ours.
    if (extended_connect_ && name_of(line) == "sec-websocket-key") continue;
    Field field{name_of(line), value_of(line), http::classify_field(name_of(line)), true};
    if (!http::is_token(field.name) || !http::is_field_value(field.value)) return &kBadField;
    if (field.id == FieldName::host) {
      if (have_host_) return &http::kManyHosts;
      // nghttp2 wants one of both; both must mean the same (RFC 9113 8.3.1).
      if (!head_.authority.empty() && !equals_ignoring_case(head_.authority, field.value)) {
        return &http::kHostDiffers;
      }
      head_.authority = field.value;
      have_host_ = true;
    }
    if (field.id == FieldName::content_length) content_length_ = field.value;
    if (const Rejection* why = http::read_field(field, head_)) return why;
    fields_.push_back(field);
  }
  if (extended_connect_) {
    websocket_key_ = random_key();
    fields_.push_back({"sec-websocket-key", websocket_key_, FieldName::other, true});
  }
  if (have_cookie_) {
    fields_.push_back({"cookie", cookie_, FieldName::cookie, http::is_field_value(cookie_)});
    if (!fields_.back().forward) return &kBadField;
  }
  if (head_.authority.empty()) return &http::kNoHost;
  return http::check_authority(head_);
}

const Rejection* HeaderBlock::check_body(bool end_stream) {
  if (extended_connect_) {
    head_.expects_continue = false;
    return nullptr;
  }
  if (!content_length_.empty()) {
    const auto length = parse_decimal(content_length_);
    if (!length || *length > INT64_MAX) return &kBadLength;
    if (limits_.body_size > 0 && *length > limits_.body_size) return &http::kBodyTooLarge;
    head_.body = BodyLength::known;
    head_.content_length = *length;
  } else if (!end_stream) {
    head_.body = BodyLength::unknown;
  }
  if (end_stream) head_.expects_continue = false;
  return nullptr;
}

}  // namespace dmpm::http2
