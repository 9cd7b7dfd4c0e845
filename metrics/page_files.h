// The files of the status page (metrics/page/), which are part of the program: it can open none.
#pragma once

#include <string_view>

namespace dmpm::metrics::page {

extern const std::string_view kHtml, kStyle, kScript;

}  // namespace dmpm::metrics::page
