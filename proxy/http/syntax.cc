#include "proxy/http/syntax.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace dmpm::http {

namespace {

constexpr size_t kMaxHost = 255;

constexpr bool is_alnum(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

using Table = std::array<bool, 256>;
constexpr Table make_table(std::string_view punctuation) {
  Table table{};
  for (int c = 0; c < 256; ++c) table[c] = is_alnum(static_cast<unsigned char>(c));
  for (char c : punctuation) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr Table kTokenTable = make_table("!#$%&'*+-.^_`|~");
constexpr Table kNameTable = make_table("-_.");
bool all_in(const Table& table, std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return table[static_cast<unsigned char>(c)]; });
}

constexpr Table kIpv6Table = make_table(":.");

// An IPv6 address; IPvFuture is not spoken anywhere.
bool is_ipv6(std::string_view text) {
  if (!all_in(kIpv6Table, text)) return false;  // inet_pton() would not see what follows a NUL
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

// As config/host_name.cc does it.
void normalize_ipv6(std::string_view host, std::string& out) {
  in6_addr address{};
  char canonical[INET6_ADDRSTRLEN] = "";
  out.assign(host.substr(1, host.find(']') - 1));
  if (::inet_pton(AF_INET6, out.c_str(), &address) == 1 &&
      ::inet_ntop(AF_INET6, &address, canonical, sizeof canonical) != nullptr) {
    out.assign("[").append(canonical).append("]");
  }
}

bool is_port(std::string_view text) {
  if (text.empty()) return true;  // RFC 3986 3.2.3: *DIGIT
  const auto number = parse_decimal(text);
  return text.size() <= 5 && number && *number <= 65535;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && all_in(kTokenTable, text);
}

bool is_field_value(std::string_view text) {
  // Without a branch in the loop, so that the compiler makes vector code of it.
  bool bad = false;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    bad |= (byte < 0x20 && byte != '\t') | (byte == 0x7f);
  }
  return !bad;
}

bool is_request_target(std::string_view text) {
  if (text == "*") return true;
  if (text.empty() || text[0] != '/') return false;
  bool bad = false;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    bad |= (byte <= 0x20) | (byte >= 0x7f) | (byte == '#');
  }
  return !bad;
}

Authority parse_authority(std::string_view text) {
  Authority authority;
  std::string_view host = text, port;
  if (!text.empty() && text[0] == '[') {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || end < 3) return authority;
    host = text.substr(0, end + 1);
    port = text.substr(end + 1);
    if (!is_ipv6(host.substr(1, end - 1))) return authority;
  } else {
    const size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
      host = text.substr(0, colon);
      port = text.substr(colon);
    }
    if (host.empty() || host[0] == '.' || host.find("..") != std::string_view::npos ||
        !all_in(kNameTable, host)) {
      return authority;
    }
  }
  if (host.size() > kMaxHost) return authority;
  if (!port.empty() && (port[0] != ':' || !is_port(port.substr(1)))) return authority;
  authority.host = host;
  authority.valid = true;
  return authority;
}

void normalize_host(std::string_view host, std::string& out) {
  if (!host.empty() && host.front() == '[') return normalize_ipv6(host, out);
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  out.resize(host.size());
  std::transform(host.begin(), host.end(), out.begin(), to_lower);
}

}  // namespace dmpm::http
