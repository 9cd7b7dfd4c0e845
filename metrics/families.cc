// The metrics that there are (docs/metrics.md).
#include <array>

#include "base/text.h"
#include "metrics/family.h"
#include "metrics/lines.h"

namespace dmpm::metrics {

namespace {

constexpr std::array<std::string_view, 6> kClasses{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

uint64_t sum(const GroupRows& rows, Counter GroupRow::*member) {
  uint64_t total = 0;
  for (const GroupRow* row : rows) total += row != nullptr ? (row->*member).get() : 0;
  return total;
}

template <typename Rows>
uint64_t responses(const Rows& rows, size_t status_class) {
  uint64_t total = 0;
  for (const auto* row : rows) total += row != nullptr ? row->responses[status_class].get() : 0;
  return total;
}

void append_histogram(std::string& out, std::string_view name, std::string_view group,
                      const GroupRows& rows, Histogram GroupRow::*member) {
  uint64_t count = 0, milliseconds = 0;
  std::array<uint64_t, Histogram::kBuckets> buckets{};
  for (const GroupRow* row : rows) {
    if (row == nullptr) continue;
    const Histogram& histogram = row->*member;
    milliseconds += histogram.sum();
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += histogram.count(i);
  }
  for (const uint64_t bucket : buckets) count += bucket;
  if (count == 0) return;
  uint64_t up_to = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    up_to += buckets[i];
    const bool last = i == Histogram::kBounds.size();
    append_line(out, name, "_bucket",
                {{"group", group}, {"le", last ? "+Inf" : seconds(Histogram::kBounds[i])}},
                std::to_string(up_to));
  }
  append_line(out, name, "_sum", {{"group", group}}, seconds(milliseconds));
  append_line(out, name, "_count", {{"group", group}}, std::to_string(count));
}

void append_group_requests(std::string_view name, const Item& item, std::string& out) {
  for (size_t i = 0; i < kClasses.size(); ++i) {
    const uint64_t count = responses(item.groups, i);
    // The ordinary ones are there from the start, or a rate would miss the first.
    if (count > 0 || i >= 2) {
      append_line(out, name, {{"group", item.name}, {"class", kClasses[i]}}, count);
    }
  }
}

void append_host_requests(std::string_view name, const Item& item, std::string& out) {
  for (size_t i = 0; i < kClasses.size(); ++i) {
    const uint64_t count = responses(item.hosts, i);
    if (count == 0) continue;
    append_line(out, name, {{"host", item.name}, {"group", item.group}, {"class", kClasses[i]}},
                count);
  }
}

auto group_counter(Counter GroupRow::*member) {
  return [member](std::string_view name, const Item& item, std::string& out) {
    if (item.counted()) append_line(out, name, {{"group", item.name}}, sum(item.groups, member));
  };
}

auto group_gauge(Counter GroupRow::*member) {
  return [member](std::string_view name, const Item& item, std::string& out) {
    if (item.counted()) append_line(out, name, {{"group", item.name}}, item.now(member));
  };
}

auto group_histogram(Histogram GroupRow::*member) {
  return [member](std::string_view name, const Item& item, std::string& out) {
    append_histogram(out, name, item.name, item.groups, member);
  };
}

void append_workers(std::string_view name, const Item& item, std::string& out) {
  if (item.name.empty()) return;
  for (size_t i = 0; i < kWorkerStates.size(); ++i) {
    const uint64_t count = item.workers == nullptr ? 0 : item.workers->states[i].get();
    if (count == 0 && kWorkerStates[i] != "running") continue;
    append_line(out, name, {{"group", item.name}, {"state", kWorkerStates[i]}}, count);
  }
}

auto worker_counter(Counter WorkerRow::*member) {
  return [member](std::string_view name, const Item& item, std::string& out) {
    if (item.name.empty()) return;
    const uint64_t count = item.workers == nullptr ? 0 : (item.workers->*member).get();
    append_line(out, name, {{"group", item.name}}, count);
  };
}

// One line for each of several counters of all dispatchers.
struct Labelled {
  std::string_view value;
  Counter DispatcherSegment::*member;
};
auto dispatcher_counters(std::string_view label, std::vector<Labelled> counters) {
  return [label, counters](std::string_view name, const Item& item, std::string& out) {
    for (const Labelled& counter : counters) {
      append_line(out, name, {{label, counter.value}}, item.all(counter.member));
    }
  };
}

template <typename Words, typename Array>
auto dispatcher_array(std::string_view label, const Words& words, Array member) {
  return [label, &words, member](std::string_view name, const Item& item, std::string& out) {
    for (size_t i = 0; i < words.size(); ++i) {
      uint64_t total = 0;
      for (const auto& dispatcher : item.dispatchers)
        total += (dispatcher.segment->*member)[i].get();
      append_line(out, name, {{label, words[i]}}, total);
    }
  };
}

void append_connections(std::string_view name, const Item& item, std::string& out) {
  uint64_t open = 0;
  for (const auto& dispatcher : item.dispatchers) {
    if (dispatcher.up) open += dispatcher.segment->connections_open.get();
  }
  append_line(out, name, {}, open);
}

void append_dropped(std::string_view name, const Item& item, std::string& out) {
  const auto line = [&](std::string_view source, uint64_t count) {
    append_line(out, name, {{"source", source}}, count);
  };
  line("dispatcher", item.all(&DispatcherSegment::log_lines_dropped));
  line("access_log", item.all(&DispatcherSegment::access_records_dropped));
  line("master", item.segments.master().log_lines_dropped.get());
}

auto service_line(uint64_t (*value)(const ServiceRow&)) {
  return [value](std::string_view name, const Item& item, std::string& out) {
    const ServiceRow& row = item.segments.master().services[item.number];
    if (row.starts.get() == 0) return;
    append_line(out, name, {{"process", service_name(static_cast<uint32_t>(item.number))}},
                value(row));
  };
}

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> kFamilies = {
      {"dmpm_groups", "gauge", "Groups that are configured.", Scope::all,
       [](std::string_view name, const Item& item, std::string& out) {
         append_line(out, name, {}, item.listing.groups.size());
       }},
      {"dmpm_virtual_hosts", "gauge", "Virtual hosts that are configured.", Scope::all,
       [](std::string_view name, const Item& item, std::string& out) {
         append_line(out, name, {}, item.listing.hosts.size());
       }},
      {"dmpm_process_up", "gauge", "1 while that process of dmpm's is there.", Scope::service,
       service_line([](const ServiceRow& row) -> uint64_t { return row.pid.get() != 0 ? 1 : 0; })},
      {"dmpm_process_starts_total", "counter", "Starts of that process.", Scope::service,
       service_line([](const ServiceRow& row) { return row.starts.get(); })},
      {"dmpm_process_failures_total", "counter", "Times that it ended unasked.", Scope::service,
       service_line([](const ServiceRow& row) { return row.failures.get(); })},
      {"dmpm_connections", "gauge", "Clients' connections that are open.", Scope::all,
       append_connections},
      {"dmpm_connections_total", "counter", "Clients' connections that were accepted.", Scope::all,
       dispatcher_counters("transport", {{"tls", &DispatcherSegment::connections_tls},
                                         {"plain", &DispatcherSegment::connections_plain}})},
      {"dmpm_sessions_total", "counter", "Connections that got as far as HTTP.", Scope::all,
       dispatcher_counters("protocol", {{"http/1", &DispatcherSegment::sessions_http1},
                                        {"http/2", &DispatcherSegment::sessions_http2}})},
      {"dmpm_handshakes_total", "counter", "TLS handshakes that ended.", Scope::all,
       dispatcher_counters("result", {{"full", &DispatcherSegment::handshakes_full},
                                      {"resumed", &DispatcherSegment::handshakes_resumed},
                                      {"failed", &DispatcherSegment::handshakes_failed}})},
      {"dmpm_rejections_total", "counter", "Requests that were not served, by reason.", Scope::all,
       dispatcher_array("reason", kRejections, &DispatcherSegment::rejections)},
      {"dmpm_caps_hit_total", "counter", "Times that a cap was hit.", Scope::all,
       dispatcher_array("cap", kCaps, &DispatcherSegment::caps)},
      {"dmpm_log_lines_dropped_total", "counter", "Lines that the logger did not take.", Scope::all,
       append_dropped},
      {"dmpm_group_requests_total", "counter",
       "Requests that are over, by the first digit of their status.", Scope::group,
       append_group_requests},
      {"dmpm_group_request_body_bytes_total", "counter", "Bytes of request bodies.", Scope::group,
       group_counter(&GroupRow::request_bytes)},
      {"dmpm_group_response_body_bytes_total", "counter", "Bytes of response bodies.", Scope::group,
       group_counter(&GroupRow::response_bytes)},
      {"dmpm_group_requests_in_flight", "gauge", "Requests that a worker has.", Scope::group,
       group_gauge(&GroupRow::in_flight)},
      {"dmpm_group_requests_waiting", "gauge", "Requests that wait for a worker.", Scope::group,
       group_gauge(&GroupRow::waiting)},
      {"dmpm_group_queue_seconds", "histogram", "Time until a request had a worker.", Scope::group,
       group_histogram(&GroupRow::queue)},
      {"dmpm_group_first_byte_seconds", "histogram",
       "Time from a request's head to its response's.", Scope::group,
       group_histogram(&GroupRow::first_byte)},
      {"dmpm_group_request_seconds", "histogram",
       "Time from a request's head to its response's end.", Scope::group,
       group_histogram(&GroupRow::total)},
      {"dmpm_group_workers", "gauge", "Workers, by state.", Scope::group, append_workers},
      {"dmpm_group_worker_starts_total", "counter", "Workers that were started.", Scope::group,
       worker_counter(&WorkerRow::starts)},
      {"dmpm_group_worker_failures_total", "counter",
       "Workers that failed, or could not be started.", Scope::group,
       worker_counter(&WorkerRow::failures)},
      {"dmpm_host_requests_total", "counter",
       "Requests that are over, by virtual host, of those that were ever asked for.", Scope::host,
       append_host_requests},
  };
  return kFamilies;
}

}  // namespace dmpm::metrics
