// Reads the options of a command: "--name VALUE" or "--name=VALUE", each at most once.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dmpm::cli {

// Values by option name (with its dashes). The error says which argument is not understood.
using Options = std::map<std::string_view, std::string>;
Result<Options> parse_options(std::span<char* const> arguments,
                              std::span<const std::string_view> known);

}  // namespace dmpm::cli
