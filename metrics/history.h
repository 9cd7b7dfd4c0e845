// History: the load of the last minutes, for the status page's plots.
#pragma once

#include <cstdint>
#include <deque>

#include "base/deadline_wheel.h"
#include "metrics/segments.h"

namespace dmpm::metrics {

// Over all groups, of one moment.
struct Load {
  uint64_t requests = 0, errors = 0, bytes = 0;  // ever; errors are responses with 5xx
  uint64_t connections = 0, workers = 0;         // now
};
Load load_of(const Segments& segments);

// Looks once in limits::kSampleEvery.
class History final : private Deadline {
 public:
  // All references outlive it.
  History(DeadlineWheel& wheel, Segments& segments);

  // Oldest first; at most limits::kSamples. What was counted is here what came in each interval.
  const std::deque<Load>& samples() const { return samples_; }

 private:
  void on_deadline() override;

  DeadlineWheel& wheel_;
  Segments& segments_;
  Load last_;
  std::deque<Load> samples_;
};

}  // namespace dmpm::metrics
