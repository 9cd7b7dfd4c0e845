// LogChannels: one end, the dispatchers' or the logger's, of the channels between them. They are made
// once, and the master keeps both ends, so that either side can die and finds what was said meanwhile.
#pragma once

#include "base/fd.h"

namespace dmpm::master {

struct LogChannels {
  Fd lines;
  Fd exchanges;  // the access log
};

}  // namespace dmpm::master
