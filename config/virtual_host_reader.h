// Reads one element of "virtual_hosts".
#pragma once

#include "config/file_content.h"

namespace dmpm::config {

// Adds it to the content, with its places. Whether its names are free and its group exists shows
// only beside the other files (Claims).
void read_virtual_host(const JsonNode& node, Reading& reading);

}  // namespace dmpm::config
