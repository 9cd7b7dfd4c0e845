// The memory files of the counters (metrics/segment.h), which live as long as the master, across
// upgrades: so that nothing that was counted is lost with a process.
#pragma once

#include <array>

#include "base/fd.h"
#include "base/result.h"
#include "master/limits.h"

namespace dmpm::master {

struct MetricsMemory {
  Fd master;
  std::array<Fd, kMaxDispatchers> dispatchers;  // by number
};

// Of fixed size, all zero. Pages that nobody touches are not there.
Result<MetricsMemory> make_metrics_memory();
// The same file, to be read only.
Result<Fd> read_only(const Fd& memory);

}  // namespace dmpm::master
