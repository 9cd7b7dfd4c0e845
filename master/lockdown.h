// What the master gives up although it stays root. To be called once, before anything is started.
#pragma once

#include "base/result.h"

namespace dmpm::master {

// From here on the master can do what it does, and its children what a service or a worker (with any
// permission module) may be given; nobody below it can ever have the rest. Little of a fortress, as
// root with files' rights may write where others run; but each right that is gone is a part of the
// kernel that cannot be reached in one step.
Status lock_down_master();

}  // namespace dmpm::master
