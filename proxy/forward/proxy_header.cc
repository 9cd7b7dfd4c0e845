#include "proxy/forward/proxy_header.h"

#include <arpa/inet.h>

#include <array>

#include "proxy/http/syntax.h"
#include "proxy/limits.h"

namespace dmpm::forward {

namespace {

constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr char kVersion2Proxy = 0x21;
enum Family : char { kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21 };

enum Type : char {
  kAlpn = 0x01,
  kAuthority = 0x02,
  kSsl = 0x20,
  kSslVersion = 0x21,  // these two within kSsl
  kSslCipher = 0x23,
};
constexpr char kClientSsl = 0x01;  // the client came over TLS

void append_u16(std::string& out, size_t value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}

// Values are far shorter than the 65,535 bytes that a length can tell.
void append_value(std::string& out, Type type, std::string_view value) {
  if (value.empty()) return;
  out += type;
  append_u16(out, value.size());
  out += value;
}

// Both addresses, then both ports. The listener's is of the client's family; should it not be known,
// it is zero: the client's must be told all the same.
Family append_addresses(std::string& out, const http::ClientInfo& client, const Arrival& arrival) {
  std::array<char, sizeof(in6_addr)> from{}, to{};
  const bool four = ::inet_pton(AF_INET, client.address.c_str(), from.data()) == 1;
  if (!four && ::inet_pton(AF_INET6, client.address.c_str(), from.data()) != 1) return kUnspecified;
  const bool known =
      ::inet_pton(four ? AF_INET : AF_INET6, arrival.address.c_str(), to.data()) == 1;
  const size_t size = four ? sizeof(in_addr) : sizeof(in6_addr);
  out.append(from.data(), size).append(to.data(), size);
  append_u16(out, client.port);
  append_u16(out, known ? arrival.port : 0);
  return four ? kTcp4 : kTcp6;
}

// Who the client is was not verified: dmpm asks for no client certificates.
void append_ssl(std::string& out, const http::ClientInfo& client) {
  std::string value{kClientSsl, 0, 0, 0, 1};
  append_value(value, kSslVersion, client.tls_protocol);
  append_value(value, kSslCipher, client.tls_cipher);
  append_value(out, kSsl, value);
}

bool is_authority(std::string_view name) {
  if (name.size() > limits::kMaxProxyAuthority) return false;
  const http::Authority authority = http::parse_authority(name);
  return authority.valid && authority.host.size() == name.size();
}

}  // namespace

std::string proxy_header(const http::ClientInfo& client, const Arrival& arrival,
                         std::string_view server_name) {
  std::string rest;
  const Family family = append_addresses(rest, client, arrival);
  append_value(rest, kAlpn, arrival.alpn);
  if (is_authority(server_name)) append_value(rest, kAuthority, server_name);
  if (client.tls) append_ssl(rest, client);
  std::string header(kSignature);
  header += kVersion2Proxy;
  header += family;
  append_u16(header, rest.size());
  return header += rest;
}

}  // namespace dmpm::forward
