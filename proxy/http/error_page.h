// The small clear pages with which the dispatcher answers for itself.
#pragma once

#include <string>
#include <string_view>

namespace dmpm::http {

// "Bad Gateway" for 502 and so on: the registered phrases of the statuses that dmpm sends.
std::string_view reason_phrase(unsigned status);

// An HTML page: status, what happened in words, the error id to tell the operator.
std::string error_page(unsigned status, std::string_view reason, std::string_view error_id);

}  // namespace dmpm::http
