// Reads "groups" and "virtual_hosts", which the main file and the included ones have in common.
#pragma once

#include "config/file_content.h"
#include "config/object_reader.h"

namespace dmpm::config {

void read_content(ObjectReader& object, Reading& reading);

// A whole included file. The content is whole only when nothing was added to the problems; `text`
// is what the file says.
void read_site_file(std::string text, Reading& reading);

}  // namespace dmpm::config
