#include "cli/error_line.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "cli/log_search.h"

namespace dmpm::cli {
namespace {

struct Meaning {
  std::string_view reason;  // where it is found in it
  std::string_view text;
};
// The first that fits.
constexpr Meaning kMeanings[] = {
    {"unknown host",
     "No virtual host has this name. Over TLS, a client that took a connection for another site "
     "tries "
     "again by itself (421)."},
    {"the site's file has an error",
     "The site's file has been wrong since dmpm was started: `dmpm check` says what, and a reload "
     "puts "
     "it in force."},
    {"max_requests requests already",
     "So many requests for this group are waiting or being served that more are refused at once "
     "(scale.max_requests): a flood, or a server that hangs."},
    {"the queue of waiting requests is full",
     "More requests wait for a worker than scale.queue allows: the workers are too slow or too few "
     "(scale.max_workers)."},
    {"no worker was free within queue_timeout",
     "No worker took the request in time: they are busy or hang, or the server does not start. "
     "More of "
     "them: scale.max_workers, or the server's own processes."},
    {"workers are busy",
     "Every worker of the group has as many requests as it takes, and there may be no more of them "
     "(scale.max_workers)."},
    {"within start_timeout",
     "The server was started and did not answer its first request in time: it hangs in its start, "
     "or "
     "needs a longer scale.start_timeout."},
    {"within response_timeout",
     "The server took the request and did not answer in time: its application hangs, or needs a "
     "longer "
     "scale.response_timeout."},
    {"in the middle of its response",
     "The server stopped or died while it answered; the client got a part of the response and "
     "could see "
     "that it was cut."},
    {"closed the connection",
     "The server closed the connection without an answer: mostly it crashed. Its own log may say "
     "why."},
    {"the worker sent", "What the server answered is no valid HTTP: it was not passed on."},
    {"the worker's", "What the server answered is no valid HTTP: it was not passed on."},
    {"too many 1xx", "What the server answered is no valid HTTP: it was not passed on."},
    {"after its start",
     "The server ends soon after each start, so that it is given pauses. Its log, and what it is "
     "told "
     "in \"worker\", say why; it recovers by itself."},
};

// `text` behind the last `mark`; cuts it off there.
std::optional<std::string> cut_behind(std::string_view& text, std::string_view mark) {
  const size_t at = text.rfind(mark);
  if (at == std::string_view::npos) return std::nullopt;
  std::string behind(text.substr(at + mark.size()));
  text = text.substr(0, at);
  return behind;
}

// "... (after 30.001 s)"
int64_t duration_in(std::string_view reason) {
  constexpr std::string_view kAfter = "after ", kEnd = " s)";
  const size_t at = reason.rfind(kAfter);
  if (at == std::string_view::npos || !reason.ends_with(kEnd)) return 0;
  const std::string seconds(reason.substr(at + kAfter.size()));
  const double ms = std::strtod(seconds.c_str(), nullptr) * 1000;
  return ms > 0 && ms < 1e12 ? static_cast<int64_t>(ms) : 0;
}

}  // namespace

std::optional<ErrorLine> parse_error_line(std::string_view line) {
  constexpr std::string_view kStatus = ": status ";
  ErrorLine error;
  const auto time = time_of(line);
  const size_t status = line.find(kStatus);
  if (!time || status == std::string_view::npos || !line.ends_with('"')) return std::nullopt;
  error.time = *time;
  error.stamp = line.substr(0, line.find(' '));
  line.remove_suffix(1);
  // From the end: no name of a host or a group, as they are written there, has a quote in it.
  const auto host = cut_behind(line, ", host \"");
  auto group = cut_behind(line, ", group \"");
  const auto client = cut_behind(line, "; client ");
  if (!host || !group || !client || !group->ends_with('"')) return std::nullopt;
  group->pop_back();
  error.host = *host;
  error.group = *group;
  error.client = *client;
  const std::string_view rest = line.substr(std::min(line.size(), status + kStatus.size()));
  const size_t comma = std::min(rest.find(", "), rest.size());
  error.status = rest.substr(0, comma);
  error.reason = rest.substr(std::min(rest.size(), comma + 2));
  error.duration_ms = duration_in(error.reason);
  return error;
}

std::string_view meaning_of(const ErrorLine& error) {
  for (const Meaning& meaning : kMeanings) {
    if (error.reason.find(meaning.reason) != std::string::npos) return meaning.text;
  }
  if (error.group.empty()) {
    return "The request was refused as it came: it is malformed, too large, too slow, or not "
           "supported. No site has seen it.";
  }
  return "The group's server could not be started: the reason says at which step.";
}

std::string_view json_member(std::string_view object, std::string_view key) {
  // A quote inside a string has a backslash before it, so this cannot be found in a value.
  const std::string mark = concat({",\"", key, "\":"});
  const size_t at = object.find(mark);
  if (at == std::string_view::npos || !object.ends_with('}')) return {};
  std::string_view value = object.substr(at + mark.size());
  if (!value.starts_with('"')) return value.substr(0, value.find_first_of(",}"));
  value.remove_prefix(1);
  for (size_t end = 0; end < value.size(); ++end) {
    if (value[end] == '\\') {
      ++end;
    } else if (value[end] == '"') {
      return value.substr(0, end);
    }
  }
  return {};
}

std::string_view host_without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  const bool port = colon != std::string_view::npos && !host.ends_with(']') &&
                    colon + 1 < host.size() &&
                    host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return port ? host.substr(0, colon) : host;
}

}  // namespace dmpm::cli
