// The names of virtual hosts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace dmpm::config {

// "A.Test." -> "a.test": a DNS name (letters, digits, - and _; the first label may be "*"), an IPv4
// address or an IPv6 address in brackets, without port. The error says what is wrong with it.
Result<std::string> parse_host_name(std::string_view text);

}  // namespace dmpm::config
