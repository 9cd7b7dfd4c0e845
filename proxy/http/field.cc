#include "proxy/http/field.h"

#include <array>

#include "base/text.h"

namespace dmpm::http {

namespace {

struct Known {
  std::string_view name;
  FieldName id;
};

constexpr std::array kKnown{
    Known{"te", FieldName::te},
    Known{"host", FieldName::host},
    Known{"date", FieldName::date},
    Known{"proxy", FieldName::proxy},
    Known{"cookie", FieldName::cookie},
    Known{"expect", FieldName::expect},
    Known{"trailer", FieldName::trailer},
    Known{"upgrade", FieldName::upgrade},
    Known{"referer", FieldName::referer},
    Known{"forwarded", FieldName::forwarded},
    Known{"x-real-ip", FieldName::x_real_ip},
    Known{"connection", FieldName::connection},
    Known{"keep-alive", FieldName::keep_alive},
    Known{"user-agent", FieldName::user_agent},
    Known{"x-error-id", FieldName::x_error_id},
    Known{"content-type", FieldName::content_type},
    Known{"authorization", FieldName::authorization},
    Known{"cache-control", FieldName::cache_control},
    Known{"content-length", FieldName::content_length},
    Known{"http2-settings", FieldName::http2_settings},
    Known{"proxy-connection", FieldName::proxy_connection},
    Known{"transfer-encoding", FieldName::transfer_encoding},
    Known{"proxy-authenticate", FieldName::proxy_authenticate},
    Known{"proxy-authorization", FieldName::proxy_authorization},
};
constexpr size_t kLongest = 19;

// first_of_length[n] is the index of the first known name of at least n bytes: the table is sorted
// by length, so a look-up compares with the one to four names of its own length only.
constexpr auto kFirstOfLength = [] {
  std::array<uint8_t, kLongest + 2> first{};
  for (size_t length = 0; length < first.size(); ++length) {
    size_t index = 0;
    while (index < kKnown.size() && kKnown[index].name.size() < length) ++index;
    first[length] = static_cast<uint8_t>(index);
  }
  return first;
}();

constexpr std::string_view kForwardedPrefix = "x-forwarded-";

}  // namespace

FieldName classify_field(std::string_view name) {
  if (name.size() > kForwardedPrefix.size() && (name[0] | 0x20) == 'x' &&
      equals_ignoring_case(name.substr(0, kForwardedPrefix.size()), kForwardedPrefix)) {
    return FieldName::x_forwarded;
  }
  if (name.size() > kLongest) return FieldName::other;
  for (size_t i = kFirstOfLength[name.size()]; i < kFirstOfLength[name.size() + 1]; ++i) {
    const std::string_view known = kKnown[i].name;
    // The last byte tells most names apart at once.
    if (known.back() == (name.back() | 0x20) && equals_ignoring_case(known, name)) {
      return kKnown[i].id;
    }
  }
  return FieldName::other;
}

}  // namespace dmpm::http
