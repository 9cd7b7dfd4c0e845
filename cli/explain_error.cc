// dmpm explain ERROR-ID: what the logs have of one request, in the order of time.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "cli/command.h"
#include "cli/error_line.h"
#include "cli/explain.h"
#include "cli/log_search.h"
#include "cli/route.h"
#include "cli/text.h"
#include "config/host_name.h"
#include "config/problem_list.h"

namespace dmpm::cli {
namespace {

// Before the request came: a back-off of the group lasts at most 30 s (master/limits.h).
constexpr int64_t kBefore = 35'000;
constexpr int64_t kAfter = 1'000;
constexpr size_t kMaxLines = 30;  // of the master, and of the workers

struct Step {
  int64_t time;
  std::string who, what;
};

// "13:18:33.042"
std::string clock(int64_t ms) {
  const time_t second = static_cast<time_t>(ms / 1000);
  tm parts{};
  ::gmtime_r(&second, &parts);
  char text[64];
  const int size = std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", parts.tm_hour,
                                 parts.tm_min, parts.tm_sec, static_cast<int>(ms % 1000));
  return {text, static_cast<size_t>(size)};
}

class Story {
 public:
  Story(const Subject& subject, std::string id) : subject_(subject), id_(std::move(id)) {
    const auto& configuration = subject_.outcome.configuration;
    logs_ = configuration ? configuration->log_directory : "/var/log/dmpm";
  }

  // False: nothing is known.
  bool find() {
    const LogFile::Names names = LogFile::of_log(logs_, "dmpm.log");
    compressed_ = names.compressed;
    for (const std::string& name : names.plain) {
      auto log = LogFile::open(logs_, name);
      if (!log) continue;
      const auto line = log->last_line_with(concat({"error ", id_, ": status "}));
      auto error = line ? parse_error_line(*line) : std::nullopt;
      if (!error) continue;
      error_ = std::move(*error);
      look_around(*log);
      return true;
    }
    return false;
  }

  void print() const {
    std::string out =
        concat({"error ", id_, ": status ", error_.status, ", at ", error_.stamp, "\n\n"});
    append_fact(out, "reason", printable(error_.reason));
    append_fact(out, "client", printable(error_.client));
    if (error_.host.empty()) {
      append_fact(out, "host", "unknown: the request was refused before it was understood");
    } else {
      append_fact(out, "host", printable(error_.host));
      append_fact(out, "leads to", destination());
    }
    out += "\nStep by step (UTC):\n\n";
    for (const Step& step : steps_) {
      append_fact(out, clock(step.time), concat({step.who, ": ", printable(step.what)}));
    }
    out += '\n';
    append_fact(out, "meaning", meaning_of(error_));
    if (!error_.group.empty()) append_fact(out, "now", present_state(subject_, error_.group));
    if (access_.empty()) append_fact(out, "access log", "has no line with this id");
    std::fwrite(out.data(), 1, out.size(), stdout);
  }

  void print_nothing_found() const {
    std::string out = concat({"dmpm: no error ", id_, " in ", logs_, "/dmpm.log*\n"});
    for (const std::string& name : compressed_) {
      out += concat(
          {"dmpm: not searched, since it is compressed: ", logs_, "/", printable(name), "\n"});
    }
    std::fwrite(out.data(), 1, out.size(), stderr);
  }

 private:
  void look_around(const LogFile& log) {
    find_in_access_logs();
    const int64_t came = error_.time - std::max(error_.duration_ms, access_duration());
    add_request(came);
    const int64_t from = came - kBefore, until = error_.time + kAfter;
    if (!error_.group.empty()) {
      const std::string about = concat({" master: group ", error_.group, ": "});
      for (const std::string& line : log.between(
               from, until,
               [&](std::string_view text) { return text.find(about) != std::string_view::npos; },
               kMaxLines)) {
        add_line(line, "master", about);
      }
      auto own = LogFile::open(logs_, concat({"workers/", error_.group, ".log"}));
      const auto any = [](std::string_view) { return true; };
      if (own) {
        for (const std::string& line : own->between(from, until, any, kMaxLines)) {
          add_line(line, "worker's log", " ");
        }
      }
    }
    steps_.push_back(
        {error_.time, "dispatcher", concat({"answered ", error_.status, ": ", error_.reason})});
    std::stable_sort(steps_.begin(), steps_.end(),
                     [](const Step& a, const Step& b) { return a.time < b.time; });
  }

  // What is behind `mark` in it.
  void add_line(const std::string& line, std::string who, std::string_view mark) {
    const auto time = time_of(line);
    const size_t at = line.find(mark);
    if (!time || at == std::string::npos) return;
    steps_.push_back({*time, std::move(who), line.substr(at + mark.size())});
  }

  // The access logs of all and of the host that the request was for.
  void find_in_access_logs() {
    const auto& configuration = subject_.outcome.configuration;
    if (!configuration) return;
    std::vector<std::string> files;
    if (!configuration->access_log.file.empty()) files.push_back(configuration->access_log.file);
    if (const config::VirtualHost* host = virtual_host()) {
      const config::HostLog own = config::log_of(*host, configuration->access_log);
      if (!own.file.empty()) files.push_back(concat({"sites/", own.file}));
    }
    for (const std::string& file : files) {
      auto log = LogFile::open(logs_, file);
      const auto line = log ? log->last_line_with(id_) : std::nullopt;
      if (line) access_ = *line;
      if (!json_member(access_, "error_id").empty()) return;  // says all there is
    }
  }

  int64_t access_duration() const {
    const std::string_view seconds = json_member(access_, "request_time");
    return seconds.empty()
               ? 0
               : static_cast<int64_t>(std::strtod(std::string(seconds).c_str(), nullptr) * 1000);
  }

  void add_request(int64_t came) {
    const std::string_view method = json_member(access_, "request_method");
    std::string what = "a request came";
    if (!method.empty()) {
      what = concat({method, " ", json_member(access_, "request_uri"), " ",
                     json_member(access_, "server_protocol"), " came over ",
                     json_member(access_, "scheme")});
    } else if (!access_.empty()) {
      what = concat({"a request came, of which the access log has: ", access_});
    }
    steps_.push_back({came, "dispatcher", std::move(what)});
    const std::string_view queued = json_member(access_, "queue_time");
    if (!queued.empty() && queued != "0.000") {
      steps_.push_back({came, "dispatcher", concat({"it waited ", queued, " s for a worker"})});
    }
  }

  const config::VirtualHost* virtual_host() const {
    auto name = config::parse_host_name(host_without_port(error_.host));
    if (!subject_.sites || !name) return nullptr;
    const auto found = matches(*subject_.sites, *name);
    return found.empty() ? nullptr : found.front().host;
  }

  std::string destination() const {
    const config::VirtualHost* host = virtual_host();
    if (host == nullptr) return "no virtual host of the configuration as it is now";
    return concat({"group ", host->group.empty() ? "of a wrong site file" : host->group,
                   ", by the virtual host ", host->names.front(), " at ",
                   config::to_string(host->location)});
  }

  const Subject& subject_;
  const std::string id_;
  std::string logs_;
  std::vector<std::string> compressed_;
  ErrorLine error_;
  std::string access_;  // its line there; empty: none
  std::vector<Step> steps_;
};

}  // namespace

int explain_error(const Subject& subject, const std::string& id) {
  if (!subject.outcome.configuration) {
    std::fprintf(stderr, "dmpm: %s is wrong (dmpm check): looking in /var/log/dmpm\n",
                 printable(subject.file).c_str());
  }
  Story story(subject, id);
  if (!story.find()) {
    story.print_nothing_found();
    return kFailed;
  }
  story.print();
  return 0;
}

}  // namespace dmpm::cli
