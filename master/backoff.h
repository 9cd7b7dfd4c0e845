// How long to wait after the n-th failure in a row: not at all after the first (what killed the
// process may have been chance), then `least`, doubled each time up to `most`.
#pragma once

#include <algorithm>

#include "base/event_loop.h"

namespace dmpm::master {

inline Milliseconds backoff_delay(unsigned failures, Milliseconds least, Milliseconds most) {
  if (failures < 2) return Milliseconds(0);
  const unsigned doublings = std::min(failures - 2, 20U);
  return std::min(most, least * (1 << doublings));
}

}  // namespace dmpm::master
