// The line of dmpm.log that explains an error id, as Dispatcher::report() writes it, and what its
// reason means for an operator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dmpm::cli {

struct ErrorLine {
  int64_t time = 0;   // of the answer: ms since 1970
  std::string stamp;  // the same as it stands there
  std::string status, reason, client;
  std::string group, host;  // empty: the request did not get that far
  int64_t duration_ms = 0;  // from its head to the answer; 0: unknown
};

// "STAMP warning dispatcher0: error ID: status 503, REASON; client ADDRESS, group "G", host "H"".
std::optional<ErrorLine> parse_error_line(std::string_view line);

// In a sentence or two.
std::string_view meaning_of(const ErrorLine& error);

// The value of a member of one of the access log's objects, without quotes and as it is escaped there;
// empty when it has none.
std::string_view json_member(std::string_view object, std::string_view key);

std::string_view host_without_port(std::string_view host);

}  // namespace dmpm::cli
