#include "metrics/request.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "metrics/limits.h"

namespace dmpm::metrics {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

Request refuse(unsigned status) {
  Request request;
  request.refusal = status;
  return request;
}

bool is_name_char(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
         kOthers.find(c) != std::string_view::npos;
}

// No control characters: no line end but at the line's end, and no folding.
bool is_clean(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The refusal, or 0.
unsigned read_first_line(std::string_view line, Request& request) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  const std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (method.empty() || !std::ranges::all_of(method, is_name_char)) return 400;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return 505;
  if (method != "GET") return 405;
  if (!target.starts_with('/') ||
      !std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; })) {
    return 400;
  }
  request.path = target.substr(0, target.find('?'));
  request.chunks = version == "HTTP/1.1";
  return 0;
}

unsigned read_field(std::string_view line, bool& has_host, Request& request) {
  const size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return 400;
  const std::string_view name = line.substr(0, colon);
  if (!std::ranges::all_of(name, is_name_char)) return 400;
  if (equals_ignoring_case(name, "Content-Length") ||
      equals_ignoring_case(name, "Transfer-Encoding")) {
    return 400;
  }
  if (!equals_ignoring_case(name, "Host")) return 0;
  if (std::exchange(has_host, true)) return 400;
  request.host = trimmed(line.substr(colon + 1));
  return 0;
}

}  // namespace

Request parse_request(std::string_view bytes) {
  if (bytes.substr(0, limits::kMaxRequest).find("\r\n\r\n") == std::string_view::npos) {
    return refuse(bytes.size() >= limits::kMaxRequest ? 431 : Request::kIncomplete);
  }
  Request request;
  bool first = true, has_host = false;
  while (true) {
    const size_t size = bytes.find(kLineEnd);
    const std::string_view line = bytes.substr(0, size);
    bytes.remove_prefix(size + kLineEnd.size());
    if (line.empty() && !first) break;
    if (!is_clean(line)) return refuse(400);
    const unsigned refusal =
        first ? read_first_line(line, request) : read_field(line, has_host, request);
    if (refusal != 0) return refuse(refusal);
    first = false;
  }
  if (!bytes.empty()) return refuse(400);  // one request, without a body
  if (request.chunks && !has_host) return refuse(400);
  return request;
}

bool names_loopback(std::string_view host) {
  for (const std::string_view name : {"localhost", "127.0.0.1", "[::1]"}) {
    if (host.size() < name.size() || !equals_ignoring_case(host.substr(0, name.size()), name)) {
      continue;
    }
    const std::string_view rest = host.substr(name.size());
    if (rest.empty() || (rest.front() == ':' && parse_decimal(rest.substr(1)))) return true;
  }
  return false;
}

}  // namespace dmpm::metrics
