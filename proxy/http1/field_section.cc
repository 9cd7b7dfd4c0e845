#include "proxy/http1/field_section.h"

#include <cstring>

#include "base/text.h"
#include "proxy/http/token_list.h"

namespace dmpm::http1 {

using http::Field;
using http::FieldName;
using http::Rejection;

namespace {

constexpr Rejection kFolded{400, "a header line is folded"};
constexpr Rejection kNoColon{400, "a header line has no colon"};
constexpr Rejection kBadName{400, "a header name is empty or has a byte that no name may have"};
constexpr Rejection kBadValue{400, "a header value has a control character"};
constexpr Rejection kTooMany{431, "there are too many header fields"};

}  // namespace

LineScanner::Outcome LineScanner::next(std::string_view input) {
  const char* start = input.data() + scanned_;
  const auto* feed = static_cast<const char*>(std::memchr(start, '\n', input.size() - scanned_));
  if (feed == nullptr) {
    scanned_ = input.size();
    return Outcome::incomplete;
  }
  const auto at = static_cast<size_t>(feed - input.data());
  begin_ = next_;
  next_ = scanned_ = at + 1;
  if (at == begin_ || input[at - 1] != '\r') {
    end_ = at;
    return Outcome::bare_line_feed;
  }
  end_ = at - 1;
  return Outcome::line;
}

const Rejection* FieldSection::add_line(std::string_view input, size_t begin, size_t end,
                                        size_t max_lines) {
  const std::string_view line = input.substr(begin, end - begin);
  if (line[0] == ' ' || line[0] == '\t') return &kFolded;
  if (lines_.size() >= max_lines) return &kTooMany;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return &kNoColon;
  const std::string_view name = line.substr(0, colon);
  // A space before the colon is no tchar either.
  if (!http::is_token(name)) return &kBadName;
  const std::string_view value = http::trim(line.substr(colon + 1));
  if (!http::is_field_value(value)) return &kBadValue;
  lines_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(name.size()),
                    static_cast<uint32_t>(value.data() - input.data()),
                    static_cast<uint32_t>(value.size()), http::classify_field(name)});
  return nullptr;
}

std::span<Field> FieldSection::finish(std::string_view input) {
  fields_.clear();
  for (const Line& line : lines_) {
    fields_.push_back({input.substr(line.name, line.name_size),
                       input.substr(line.value, line.value_size), line.id, true});
  }
  return fields_;
}

bool ConnectionOptions::add(std::string_view list) {
  bool valid = true;
  http::for_each_element(list, [&](std::string_view token) {
    if (!http::is_token(token)) {
      valid = false;
    } else if (equals_ignoring_case(token, "close")) {
      close_ = true;
    } else if (equals_ignoring_case(token, "keep-alive")) {
      keep_alive_ = true;
    } else if (equals_ignoring_case(token, "upgrade")) {
      upgrade_ = true;
    } else if (count_ < limits::kMaxNominated) {
      names_[count_++] = token;
    } else {
      valid = false;
    }
  });
  return valid;
}

bool is_end_to_end(FieldName id) {
  switch (id) {
    case FieldName::host:
    case FieldName::content_length:
    case FieldName::authorization:
    case FieldName::cookie:
    case FieldName::content_type:
    case FieldName::cache_control:
    case FieldName::expect:
    case FieldName::date: return true;
    default: return false;
  }
}

}  // namespace dmpm::http1
