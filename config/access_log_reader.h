// Reads "access_log", of the main file and of a virtual host.
#pragma once

#include "config/configuration.h"
#include "config/object_reader.h"

namespace dmpm::config {

void read_access_log(ObjectReader& object, AccessLog& log, ProblemList& problems);
void read_host_access_log(ObjectReader& object, Boxed<HostAccessLog>& log, ProblemList& problems);

}  // namespace dmpm::config
