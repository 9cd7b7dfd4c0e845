// Where the counters lie: memory that a writer inherits to write, and dmpm-metrics to read.
//
//   DispatcherSegment   one for each number that a dispatcher can have; a successor goes on counting
//                       where the one before died
//   MasterSegment       the master's own
//
// Made by the master as memory files of fixed size, zero at first. Pages that nobody has touched cost
// nothing: so the tables have room for more groups and hosts than any machine has, and a row is given to
// a name only when there is something to count (row_book.h).
//
// A reader trusts nothing that it finds: who has broken into a dispatcher can write any number.
// Handover::kFormat has to be raised with every change here (master/handover.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "metrics/counter.h"

namespace dmpm::metrics {

// Row 0 of each table belongs to no name: requests for none of the sites, and of names for which the
// table has no room.
template <typename Row, uint32_t kRowsOfTable>
struct Table {
  using RowType = Row;
  static constexpr uint32_t kRows = kRowsOfTable;
  Counter used;  // rows that have been given, row 0 not counted
  std::array<Row, kRows> rows;
};
inline constexpr uint32_t kGroups = 64 * 1024;
inline constexpr uint32_t kHosts = 256 * 1024;

// Whose row it is: FNV-1a of the name. Two names with the same key would share their numbers; the names
// are the operator's own.
constexpr uint64_t key_of(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// Responses by the first digit of their status; 0: the client left before there was one.
using StatusClasses = std::array<Counter, 6>;

// ---- a dispatcher's ----

// Of a virtual host, by its first name.
struct HostRow {
  Counter key;
  StatusClasses responses;
};

// Of a group. A request is counted when it is over.
struct GroupRow {
  Counter key;
  StatusClasses responses;
  Counter request_bytes, response_bytes;  // of bodies
  Counter in_flight, waiting;             // now
  Histogram queue, first_byte, total;
};

// Why a request was not served as its client wished.
enum class Rejection : uint32_t {
  malformed,
  too_large,
  too_slow,
  unsupported,
  unknown_host,
  broken_site_file,
  max_requests,
  no_worker,
  queue_full,
  queue_timeout,
  start_failed,
  worker_failed,
  worker_timeout,
};
inline constexpr std::array<std::string_view, 13> kRejections{
    "malformed",        "too_large",     "too_slow",      "unsupported", "unknown_host",
    "broken_site_file", "max_requests",  "no_worker",     "queue_full",  "queue_timeout",
    "start_failed",     "worker_failed", "worker_timeout"};

// Caps that are no request's own, each time that one is hit.
enum class Cap : uint32_t {
  connections,
  connections_per_address,
  connections_of_group,
  misbehaving_client,
  rows,
};
inline constexpr std::array<std::string_view, 5> kCaps{"connections", "connections_per_address",
                                                       "connections_of_group", "misbehaving_client",
                                                       "metrics_rows"};

// The last failures that were a site's or dmpm's own (status 5xx). One is written over the oldest.
struct FailureRecord {
  Counter sequence;  // 0: being written, or never was; published last
  Counter time;      // ms of CLOCK_MONOTONIC
  Counter status, reason;
  Counter group, host;              // keys
  std::array<Counter, 2> error_id;  // up to 16 characters, the rest zero
};
inline constexpr uint32_t kFailures = 64;

struct DispatcherSegment {
  Counter connections_tls, connections_plain;  // accepted
  Counter connections_open;                    // now
  Counter sessions_http1, sessions_http2;
  Counter handshakes_full, handshakes_resumed, handshakes_failed;
  Counter log_lines_dropped, access_records_dropped;
  std::array<Counter, kRejections.size()> rejections;
  std::array<Counter, kCaps.size()> caps;
  Counter failures;  // so many have been recorded
  std::array<FailureRecord, kFailures> failure_records;
  Table<GroupRow, kGroups> groups;
  Table<HostRow, kHosts> hosts;
};

// ---- the master's ----

// Of a group's workers. States as in master/worker.h, in that order.
inline constexpr std::array<std::string_view, 6> kWorkerStates{"queued",    "starting", "running",
                                                               "releasing", "stopping", "ended"};
struct WorkerRow {
  Counter key;
  std::array<Counter, kWorkerStates.size()> states;  // workers in each, now
  Counter starts, failures;
};

// Of one of dmpm's own processes.
struct ServiceRow {
  Counter pid;  // 0: down
  Counter starts, failures;
};
// Their places: dispatchers by their number, then the others.
inline constexpr uint32_t kMostDispatchers = 64;
enum ServicePlace : uint32_t {
  kKeyholderPlace = kMostDispatchers,
  kLoggerPlace,
  kMetricsPlace,
  kServicePlaces,
};

struct MasterSegment {
  Counter pid;
  Counter started;  // ms of CLOCK_MONOTONIC; an upgrade changes it
  Counter log_lines_dropped;
  std::array<ServiceRow, kServicePlaces> services;
  Table<WorkerRow, kGroups> workers;
};

}  // namespace dmpm::metrics
