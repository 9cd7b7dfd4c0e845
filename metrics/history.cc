#include "metrics/history.h"

#include <algorithm>

#include "metrics/limits.h"

namespace dmpm::metrics {

namespace {

// Row 0 and those that have been given.
template <typename Table, typename Visit>
void each_row(const Table& table, Visit visit) {
  const uint64_t used = std::min<uint64_t>(table.used.look(), Table::kRows - 1);
  for (uint64_t row = 0; row <= used; ++row) visit(table.rows[row]);
}

constexpr size_t kRunning = 2;  // of kWorkerStates
static_assert(kWorkerStates[kRunning] == "running");

// What came since; a number that fell (a hostile writer's) is none.
uint64_t since(uint64_t before, uint64_t now) {
  return now >= before ? now - before : 0;
}

}  // namespace

Load load_of(const Segments& segments) {
  Load load;
  for (const auto& [number, segment, up] : segments.dispatchers()) {
    each_row(segment->groups, [&load](const GroupRow& row) {
      for (const Counter& responses : row.responses) load.requests += responses.get();
      load.errors += row.responses[5].get();
      load.bytes += row.response_bytes.get();
    });
    if (up) load.connections += segment->connections_open.get();
  }
  each_row(segments.master().workers,
           [&load](const WorkerRow& row) { load.workers += row.states[kRunning].get(); });
  return load;
}

History::History(DeadlineWheel& wheel, Segments& segments) : wheel_(wheel), segments_(segments) {
  segments_.refresh();
  last_ = load_of(segments_);
  wheel_.set(*this, limits::kSampleEvery);
}

void History::on_deadline() {
  segments_.refresh();
  const Load now = load_of(segments_);
  samples_.push_back({since(last_.requests, now.requests), since(last_.errors, now.errors),
                      since(last_.bytes, now.bytes), now.connections, now.workers});
  if (samples_.size() > limits::kSamples) samples_.pop_front();
  last_ = now;
  wheel_.set(*this, limits::kSampleEvery);
}

}  // namespace dmpm::metrics
