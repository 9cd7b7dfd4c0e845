#include "proxy/http/field.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace dmpm::http;

namespace {

struct Known {
  const char* name;
  FieldName id;
};

constexpr Known kKnown[] = {
    {"te", FieldName::te},
    {"host", FieldName::host},
    {"date", FieldName::date},
    {"proxy", FieldName::proxy},
    {"cookie", FieldName::cookie},
    {"expect", FieldName::expect},
    {"trailer", FieldName::trailer},
    {"upgrade", FieldName::upgrade},
    {"forwarded", FieldName::forwarded},
    {"x-real-ip", FieldName::x_real_ip},
    {"x-error-id", FieldName::x_error_id},
    {"connection", FieldName::connection},
    {"keep-alive", FieldName::keep_alive},
    {"content-type", FieldName::content_type},
    {"authorization", FieldName::authorization},
    {"cache-control", FieldName::cache_control},
    {"content-length", FieldName::content_length},
    {"http2-settings", FieldName::http2_settings},
    {"proxy-connection", FieldName::proxy_connection},
    {"transfer-encoding", FieldName::transfer_encoding},
    {"proxy-authenticate", FieldName::proxy_authenticate},
    {"proxy-authorization", FieldName::proxy_authorization},
    {"x-forwarded-for", FieldName::x_forwarded},
    {"x-forwarded-anything-at-all-however-long", FieldName::x_forwarded},
};

}  // namespace

TEST_CASE("known names, in any case") {
  for (const Known& known : kKnown) {
    CAPTURE(known.name);
    const std::string lower = known.name;
    std::string upper = lower, mixed = lower;
    std::transform(lower.begin(), lower.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    for (size_t i = 0; i < mixed.size(); i += 2) mixed[i] = upper[i];
    CHECK(classify_field(lower) == known.id);
    CHECK(classify_field(upper) == known.id);
    CHECK(classify_field(mixed) == known.id);
  }
}

TEST_CASE("names that only look like known ones") {
  for (const Known& known : kKnown) {
    const std::string name = known.name;
    if (known.id == FieldName::x_forwarded) continue;
    CAPTURE(name);
    CHECK(classify_field(name.substr(1)) == FieldName::other);
    CHECK(classify_field(name + "x") == FieldName::other);
    for (size_t i = 0; i < name.size(); ++i) {
      // Bit 0x20 makes '-' a carriage return, '\r' | 0x20 a '-': letters only have two cases.
      std::string flipped = name;
      flipped[i] = static_cast<char>(flipped[i] ^ 0x01);
      CAPTURE(i);
      CHECK(classify_field(flipped) == FieldName::other);
      if (name[i] != '-' && name[i] != '2') continue;
      flipped[i] = static_cast<char>(name[i] ^ 0x20);
      CHECK(classify_field(flipped) == FieldName::other);
    }
  }
  for (const char* name : {"", "x-forwarded-", "x-forwarded", "x_forwarded-for", "xx-forwarded-for",
                           "x-forwardedfor", "a-name-longer-than-all-known-ones"}) {
    CAPTURE(name);
    CHECK(classify_field(name) == FieldName::other);
  }
}
