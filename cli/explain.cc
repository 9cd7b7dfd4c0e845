// dmpm explain ERROR-ID | HOST.
#include "cli/explain.h"

#include <algorithm>

#include "base/text.h"
#include "cli/command.h"
#include "cli/route.h"
#include "cli/text.h"
#include "config/host_name.h"
#include "config/problem_list.h"

namespace dmpm::cli {

std::optional<std::string> as_error_id(std::string_view text) {
  constexpr size_t kSize = 12;
  constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  if (text.size() != kSize) return std::nullopt;
  std::string id;
  for (char c : text) {
    c = to_lower(c);
    if (c == 'o') c = '0';
    if (c == 'i' || c == 'l') c = '1';
    if (kAlphabet.find(c) == std::string_view::npos) return std::nullopt;
    id += c;
  }
  return id;
}

void append_fact(std::string& out, std::string_view what, std::string_view text) {
  std::string label(what);
  label.resize(std::max<size_t>(label.size(), 12), ' ');
  out += concat({"  ", label, " ", text, "\n"});
}

std::string present_state(const Subject& subject, std::string_view group) {
  if (!subject.running) return concat({"unknown: ", printable(subject.not_running)});
  const Status::Group* found = subject.running->group(group);
  if (found == nullptr) return "unknown to the dmpm that runs: reload it";
  std::string text(to_string(found->state));
  if (found->retry_ms > 0) text += concat({" for ", duration(found->retry_ms)});
  for (const Status::Worker& worker : found->workers) {
    text += concat({", worker ", std::to_string(worker.number), " ", worker.state});
    if (worker.pid == 0) continue;
    text += concat({" (pid ", std::to_string(worker.pid), ", ", duration(worker.age_ms), ")"});
  }
  text += concat({", ", count(found->starts, "start"), ", ", count(found->failures, "failure")});
  if (found->failures > 0) text += concat({", the last: ", printable(found->last_failure)});
  return text;
}

namespace {

// What people have at hand, an address from a browser or host:port, is as good as the host name.
std::string without_scheme_and_port(std::string text) {
  if (const size_t scheme = text.find("://"); scheme != std::string::npos) {
    text.erase(0, scheme + 3);
    text.resize(std::min(text.size(), text.find('/')));
  }
  const size_t port = text.rfind(':');
  if (port != std::string::npos && parse_decimal(text.substr(port + 1))) text.resize(port);
  return text;
}

}  // namespace

int explain(const Options& options) {
  const std::string what = without_scheme_and_port(options.words().front());
  const auto id = as_error_id(what);
  auto host = config::parse_host_name(what);
  if (!id && !host) {
    return misused(concat({config::quoted(what),
                           " is neither an error id (12 letters and digits) nor a host name: ",
                           host.error().message}));
  }
  const Subject subject = subject_of(options);
  const bool served = host && subject.sites && !matches(*subject.sites, *host).empty();
  return id && !served ? explain_error(subject, *id) : explain_host(subject, *host);
}

}  // namespace dmpm::cli
