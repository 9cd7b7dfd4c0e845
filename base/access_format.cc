#include "base/access_format.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace dmpm {

namespace {

struct Known {
  std::string_view name;
  AccessVariable variable;
};

// Sorted, as the error message lists them.
constexpr std::array kKnown{
    Known{"body_bytes_received", AccessVariable::body_bytes_received},
    Known{"body_bytes_sent", AccessVariable::body_bytes_sent},
    Known{"connection_requests", AccessVariable::connection_requests},
    Known{"error_id", AccessVariable::error_id},
    Known{"first_byte_time", AccessVariable::first_byte_time},
    Known{"group", AccessVariable::group},
    Known{"host", AccessVariable::host},
    Known{"http_referer", AccessVariable::http_referer},
    Known{"http_user_agent", AccessVariable::http_user_agent},
    Known{"msec", AccessVariable::msec},
    Known{"outcome", AccessVariable::outcome},
    Known{"queue_time", AccessVariable::queue_time},
    Known{"remote_addr", AccessVariable::remote_addr},
    Known{"request", AccessVariable::request},
    Known{"request_method", AccessVariable::request_method},
    Known{"request_time", AccessVariable::request_time},
    Known{"request_uri", AccessVariable::request_uri},
    Known{"scheme", AccessVariable::scheme},
    Known{"server_name", AccessVariable::server_name},
    Known{"server_protocol", AccessVariable::server_protocol},
    Known{"ssl_cipher", AccessVariable::ssl_cipher},
    Known{"ssl_protocol", AccessVariable::ssl_protocol},
    Known{"status", AccessVariable::status},
    Known{"time_iso8601", AccessVariable::time_iso8601},
    Known{"time_local", AccessVariable::time_local},
    Known{"tls_time", AccessVariable::tls_time},
};

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

Error unknown(std::string_view name) {
  std::string text = "there is no variable \"$";
  append_escaped(text, name);
  text += "\"; there are";
  for (const Known& known : kKnown) {
    text += concat({&known == kKnown.begin() ? " $" : ", $", known.name});
  }
  return Error{std::move(text)};
}

// The name behind a dollar sign at the start of `rest`, which is moved behind it; empty when there is
// none.
std::string_view take_name(std::string_view& rest) {
  const bool braced = rest.starts_with('{');
  const std::string_view from = rest.substr(braced ? 1 : 0);
  const auto end = std::find_if_not(from.begin(), from.end(), is_name_byte);
  const std::string_view name = from.substr(0, static_cast<size_t>(end - from.begin()));
  const std::string_view behind = from.substr(name.size());
  if (braced && !behind.starts_with('}')) return {};
  rest = behind.substr(braced ? 1 : 0);
  return name;
}

}  // namespace

Result<AccessFormat> parse_access_format(std::string_view text) {
  AccessFormat format;
  format.json = text == "json";
  if (format.json) return format;
  if (text.size() > kMaxAccessFormat) return Error{"it is longer than 1024 bytes"};
  std::string literal;
  const auto end_literal = [&] {
    if (literal.empty()) return;
    format.pieces.push_back({AccessVariable::literal, std::exchange(literal, {})});
  };
  bool any = false;
  for (std::string_view rest = text == "combined" ? kCombinedFormat : text; !rest.empty();) {
    const char c = rest[0];
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f)
      return Error{"it has a control character in it"};
    rest.remove_prefix(1);
    if (c != '$' || rest.starts_with('$')) {
      literal += c;
      if (c == '$') rest.remove_prefix(1);
      continue;
    }
    const std::string_view name = take_name(rest);
    if (name.empty()) return Error{"a \"$\" is not followed by a name (a dollar sign is \"$$\")"};
    const auto* known = std::ranges::find(kKnown, name, &Known::name);
    if (known == kKnown.end()) return unknown(name);
    end_literal();
    format.pieces.push_back({known->variable, {}});
    any = true;
  }
  if (!any) return Error{"there is no $variable in it"};
  end_literal();
  return format;
}

}  // namespace dmpm
