#include "metrics/status_json.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "base/text.h"
#include "metrics/limits.h"

namespace dmpm::metrics {

namespace {

constexpr auto kSeconds = static_cast<uint64_t>(limits::kSampleEvery.count() / 1000);

// A list or an object of what is appended one after the other.
class Series {
 public:
  Series(std::string& out, char begin, char end) : out_(out), end_(end) { out_ += begin; }
  ~Series() { out_ += end_; }
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;
  std::string& item() {
    if (!first_) out_ += ',';
    first_ = false;
    return out_;
  }
  std::string& member(std::string_view name) {
    std::string& out = item();
    append_json_string(out, name);
    return out += ':';
  }
  void number(std::string_view name, uint64_t value) { member(name) += std::to_string(value); }
  void text(std::string_view name, std::string_view value) {
    append_json_string(member(name), value);
  }

 private:
  std::string& out_;
  const char end_;
  bool first_ = true;
};

uint64_t seconds_since(uint64_t then_ms, Instant now) {
  const auto now_ms = static_cast<uint64_t>(now.time_since_epoch().count());
  return now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
}

void append_samples(Series& load, std::string_view name, const History& history,
                    uint64_t Load::*member, uint64_t divisor) {
  Series list(load.member(name), '[', ']');
  for (const Load& sample : history.samples()) {
    list.item() += std::to_string(sample.*member / divisor);
  }
}

void append_load(Series& all, const History& history) {
  Series load(all.member("load"), '{', '}');
  load.number("every", kSeconds);
  append_samples(load, "requests", history, &Load::requests, kSeconds);
  append_samples(load, "errors", history, &Load::errors, kSeconds);
  append_samples(load, "bytes", history, &Load::bytes, kSeconds);
  append_samples(load, "connections", history, &Load::connections, 1);
  append_samples(load, "workers", history, &Load::workers, 1);
}

void append_processes(Series& all, const MasterSegment& master, const Users& users) {
  Series list(all.member("processes"), '[', ']');
  const auto add = [&list](std::string_view name, std::string_view user, uint64_t pid,
                           uint64_t starts, uint64_t failures) {
    Series process(list.item(), '{', '}');
    process.text("name", name);
    process.text("user", user);
    process.number("pid", pid);
    process.number("starts", starts);
    process.number("failures", failures);
  };
  add("master", "root", master.pid.get(), 1, 0);
  for (uint32_t place = 0; place < kServicePlaces; ++place) {
    const ServiceRow& row = master.services[place];
    // Of dispatchers that went for good when others took their place, nothing is shown.
    if (row.starts.get() == 0 || (place < kMostDispatchers && row.pid.get() == 0)) continue;
    const std::string& user = place == kKeyholderPlace ? users.keyholder
                              : place == kLoggerPlace  ? users.logger
                              : place == kMetricsPlace ? users.metrics
                                                       : users.dispatchers;
    add(service_name(place), user, row.pid.get(), row.starts.get(), row.failures.get());
  }
}

struct Failure {
  uint64_t time, status, reason, group, host;
  std::string id;
};

// Those that are whole.
std::vector<Failure> read_failures(const std::vector<Segments::Active>& dispatchers) {
  std::vector<Failure> found;
  for (const auto& [number, segment, up] : dispatchers) {
    for (const FailureRecord& record : segment->failure_records) {
      const uint64_t sequence = record.sequence.look();
      if (sequence == 0) continue;
      std::array<uint64_t, 2> id{record.error_id[0].get(), record.error_id[1].get()};
      Failure failure{record.time.get(),  record.status.get(), record.reason.get(),
                      record.group.get(), record.host.get(),   std::string(sizeof id, '\0')};
      std::memcpy(failure.id.data(), id.data(), sizeof id);
      failure.id.resize(::strnlen(failure.id.data(), failure.id.size()));
      std::atomic_thread_fence(std::memory_order_acquire);
      if (record.sequence.get() == sequence) found.push_back(std::move(failure));
    }
  }
  return found;
}

// The names of the keys that failures have.
std::unordered_map<uint64_t, std::string_view> name_keys(const std::vector<Failure>& failures,
                                                         const Listing& listing) {
  std::unordered_map<uint64_t, std::string_view> names;
  for (const Failure& failure : failures) names[failure.group] = names[failure.host] = "";
  const auto fill = [&names](const auto& list) {
    for (const auto& item : list) {
      if (const auto found = names.find(item.key); found != names.end()) found->second = item.name;
    }
  };
  fill(listing.groups);
  fill(listing.hosts);
  return names;
}

void append_failures(Series& all, const std::vector<Failure>& failures, const Listing& listing,
                     Instant now) {
  const auto names = name_keys(failures, listing);
  Series list(all.member("failures"), '[', ']');
  for (const Failure& failure : failures) {
    Series one(list.item(), '{', '}');
    one.number("ago", seconds_since(failure.time, now));
    one.number("status", failure.status);
    one.text("reason", failure.reason < kRejections.size() ? kRejections[failure.reason] : "?");
    one.text("group", names.at(failure.group));
    one.text("host", names.at(failure.host));
    one.text("id", failure.id);
  }
}

void append_troubles(Series& all, const Names& names, Instant now) {
  Series list(all.member("troubles"), '[', ']');
  for (const Names::Trouble& trouble : names.troubles()) {
    Series one(list.item(), '{', '}');
    one.number("ago", static_cast<uint64_t>((now - trouble.when).count()) / 1000);
    one.text("group", trouble.group);
    one.text("reason", trouble.reason);
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= 0x20 && c < 0x7f ? c : '?';
  }
  out += '"';
}

StatusJson::StatusJson(const Sources& sources)
    : segments_(sources.segments),
      dispatchers_(sources.segments.dispatchers()),
      listing_(sources.names.listing()) {
  const MasterSegment& master = segments_.master();
  {
    Series all(beginning_, '{', ',');
    all.number("uptime", seconds_since(master.started.get(), sources.now));
    all.number("connections", load_of(segments_).connections);
    all.number("hosts", listing_->hosts.size());
    append_load(all, sources.history);
    append_processes(all, master, sources.users);
    append_failures(all, read_failures(dispatchers_), *listing_, sources.now);
    append_troubles(all, sources.names, sources.now);
  }
  beginning_ += "\"groups\":[";
}

bool StatusJson::next(std::string& out) {
  out += std::exchange(beginning_, {});
  const size_t enough = out.size() + limits::kPiece;
  for (; group_ < listing_->groups.size() && out.size() < enough; ++group_) {
    if (group_ > 0) out += ",\n";
    append_group(listing_->groups[group_], out);
  }
  if (group_ < listing_->groups.size()) return true;
  out += "]}\n";
  return false;
}

void StatusJson::append_group(const Listing::Group& group, std::string& out) const {
  uint64_t requests = 0, errors = 0, in_flight = 0, waiting = 0, running = 0, others = 0;
  for (const auto& [number, segment, up] : dispatchers_) {
    const GroupRow* row = segments_.find_group(number, group.key);
    if (row == nullptr) continue;
    for (const Counter& responses : row->responses) requests += responses.get();
    errors += row->responses[5].get();
    if (!up) continue;
    in_flight += row->in_flight.get();
    waiting += row->waiting.get();
  }
  const WorkerRow* workers = segments_.find_workers(group.key);
  // The last state is that of those that have ended.
  for (size_t i = 0; workers != nullptr && i + 1 < kWorkerStates.size(); ++i) {
    (kWorkerStates[i] == "running" ? running : others) += workers->states[i].get();
  }
  Series list(out, '[', ']');
  append_json_string(list.item(), group.name);
  append_json_string(list.item(), group.user);
  {
    Series hosts(list.item(), '[', ']');
    for (const std::string& host : group.hosts) append_json_string(hosts.item(), host);
  }
  for (const uint64_t number :
       {running, others, workers != nullptr ? workers->starts.get() : 0,
        workers != nullptr ? workers->failures.get() : 0, requests, errors, in_flight, waiting}) {
    list.item() += std::to_string(number);
  }
}

}  // namespace dmpm::metrics
