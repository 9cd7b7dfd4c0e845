#include "proxy/http/forwarding.h"

#include <charconv>

#include "base/text.h"
#include "proxy/http/syntax.h"

namespace dmpm::http {

namespace {

// RFC 9110 8.6: with these an empty body is said to be one (lighttpd answers 411 otherwise).
bool anticipates_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

// Letters, digits and hyphens. Servers make every other byte of a name an underscore in a CGI
// variable, where "X!Forwarded!For" would take the place of what we say.
bool is_plain_name(std::string_view name) {
  bool plain = true;
  for (char c : name) {
    const char lower = to_lower(c);
    plain &= (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-';
  }
  return plain;
}

}  // namespace

bool forwards_to_worker(const Field& field) {
  switch (field.id) {
    case FieldName::host:
    case FieldName::content_length:
    case FieldName::transfer_encoding:
    case FieldName::connection:
    case FieldName::keep_alive:
    case FieldName::proxy_connection:
    case FieldName::proxy_authenticate:
    case FieldName::proxy_authorization:
    case FieldName::te:
    case FieldName::trailer:
    case FieldName::upgrade:
    case FieldName::http2_settings:
    case FieldName::forwarded:
    case FieldName::x_forwarded:
    case FieldName::x_real_ip:
    case FieldName::proxy: return false;
    case FieldName::other: return is_plain_name(field.name);
    default: return true;
  }
}

bool forwards_to_client(const Field& field) {
  switch (field.id) {
    case FieldName::content_length:
    case FieldName::transfer_encoding:
    case FieldName::connection:
    case FieldName::keep_alive:
    case FieldName::proxy_connection:
    case FieldName::proxy_authenticate:
    case FieldName::te:
    case FieldName::trailer:
    case FieldName::upgrade:
    case FieldName::x_error_id: return false;
    default: return true;
  }
}

bool may_upgrade_to(std::string_view protocol) {
  std::string_view name = protocol.substr(0, protocol.find('/'));
  if (!is_token(name)) return false;
  return !equals_ignoring_case(name, "h2c") && !equals_ignoring_case(name, "h2") &&
         !equals_ignoring_case(name, "http") && !equals_ignoring_case(name, "tls") &&
         protocol.find_first_of(", \t") == std::string_view::npos;
}

namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

// RFC 7239, with the same three facts. An address with colons is quoted in brackets; the host, which
// may have a port, always: no quote or backslash is valid in one.
void append_forwarded(std::string& out, std::string_view host, const ClientInfo& client) {
  const bool six = client.address.find(':') != std::string::npos;
  out += six ? "Forwarded: for=\"[" : "Forwarded: for=";
  out += client.address;
  out += six ? "]\";host=\"" : ";host=\"";
  out += host;
  out += client.tls ? "\";proto=https\r\n" : "\";proto=http\r\n";
}

}  // namespace

void append_request_head(std::string& out, const RequestHead& head, const ClientInfo& client) {
  out += head.method;
  out += ' ';
  out += head.target;
  out += " HTTP/1.1\r\n";
  append_field(out, "Host", head.authority);
  for (const Field& field : head.fields) {
    if (field.forward) append_field(out, field.name, field.value);
  }
  append_field(out, "X-Forwarded-For", client.address);
  append_field(out, "X-Forwarded-Proto", client.tls ? "https" : "http");
  append_field(out, "X-Forwarded-Host", head.authority);
  append_forwarded(out, head.authority, client);
  if (!head.upgrade.empty()) {
    append_field(out, "Connection", "Upgrade");
    append_field(out, "Upgrade", head.upgrade);
  }
  if (head.body == BodyLength::known) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, head.content_length).ptr;
    append_field(out, "Content-Length", {digits, static_cast<size_t>(end - digits)});
  } else if (head.body == BodyLength::unknown) {
    append_field(out, "Transfer-Encoding", "chunked");
  } else if (anticipates_body(head.method)) {
    append_field(out, "Content-Length", "0");
  }
  out += "\r\n";
}

}  // namespace dmpm::http
