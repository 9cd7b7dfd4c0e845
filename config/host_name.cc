#include "config/host_name.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/text.h"

namespace dmpm::config {
namespace {

constexpr size_t kMaxName = 253;
constexpr size_t kMaxLabel = 63;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

Result<std::string> parse_ipv6(const std::string& text) {
  in6_addr address{};
  const size_t close = text.find(']');
  if (close == std::string::npos ||
      ::inet_pton(AF_INET6, text.substr(1, close - 1).c_str(), &address) != 1) {
    return Error{"it is not an IPv6 address in brackets"};
  }
  if (close + 1 != text.size()) return Error{"give it without a port"};
  char canonical[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
  return concat({"[", canonical, "]"});
}

Status check_label(std::string_view label) {
  if (label.empty()) return Error{"there is nothing between two dots"};
  if (label.size() > kMaxLabel) {
    return Error{
        concat({"a part between dots is longer than ", std::to_string(kMaxLabel), " characters"})};
  }
  if (label.find('*') != std::string_view::npos) {
    return Error{"\"*\" may only be the whole first part, as in \"*.example.org\""};
  }
  for (char c : label) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      return Error{"write it in its ASCII form (xn--...)"};
    }
    if (!is_label_character(c)) {
      return Error{"only letters, digits, \"-\" and \"_\" may stand between dots"};
    }
  }
  if (label.front() == '-' || label.back() == '-') {
    return Error{"a part between dots begins or ends with \"-\""};
  }
  return {};
}

Status check_labels(std::string_view name) {
  while (true) {
    const size_t dot = name.find('.');
    if (Status status = check_label(name.substr(0, dot)); !status) return status;
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  // `name` is the last label now; one of digits only is the end of an IPv4 address for every
  // client.
  if (std::all_of(name.begin(), name.end(), is_digit)) {
    return Error{"it is neither a name nor an IPv4 address"};
  }
  return {};
}

}  // namespace

Result<std::string> parse_host_name(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  if (name.empty()) return Error{"it is empty"};
  if (name.front() == '[') return parse_ipv6(name);
  if (name.find(':') != std::string::npos) {
    return Error{name.find(':') == name.rfind(':') ? "give it without a port"
                                                   : "write an IPv6 address in brackets"};
  }
  in_addr address{};
  if (::inet_pton(AF_INET, name.c_str(), &address) == 1) return name;
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  if (name.size() > kMaxName) {
    return Error{concat({"it is longer than ", std::to_string(kMaxName), " characters"})};
  }
  if (name == "*") return Error{"\"*\" needs a name after it, as in \"*.example.org\""};
  const std::string_view labels = std::string_view(name).substr(name.starts_with("*.") ? 2 : 0);
  if (const Status status = check_labels(labels); !status) return status.error();
  return name;
}

}  // namespace dmpm::config
