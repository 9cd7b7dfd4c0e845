// Counts: what the master itself counts, in its segment (metrics/segment.h).
#pragma once

#include <string_view>

#include "metrics/mapping.h"
#include "metrics/row_book.h"

namespace dmpm::master {

class Counts {
 public:
  // With what was counted before an upgrade. Of what is now, nothing is left.
  explicit Counts(metrics::Mapping<metrics::MasterSegment> segment)
      : segment_(std::move(segment)), workers_(segment_->workers) {
    for (metrics::ServiceRow& service : segment_->services) service.pid.set(0);
    workers_.each([](metrics::WorkerRow& row) {
      for (metrics::Counter& state : row.states) state.set(0);
    });
  }

  // Rows stay where they are.
  metrics::ServiceRow& service(uint32_t place) { return segment_->services[place]; }
  metrics::WorkerRow& workers_of(std::string_view group) { return workers_.of(group); }
  metrics::MasterSegment& own() { return *segment_; }

 private:
  metrics::Mapping<metrics::MasterSegment> segment_;
  metrics::RowBook<decltype(metrics::MasterSegment::workers)> workers_;
};

}  // namespace dmpm::master
