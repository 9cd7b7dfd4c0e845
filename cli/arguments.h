// Reads the options of a command: "--name VALUE" or "--name=VALUE", or "--flag", each at most once.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dmpm::cli {

// Values by option name (with its dashes); empty for a flag.
using Options = std::map<std::string_view, std::string>;

struct Known {
  std::string_view name;
  bool flag = false;  // stands alone, without a value
};

// The error says which argument is not understood.
Result<Options> parse_options(std::span<char* const> arguments, std::span<const Known> known);

}  // namespace dmpm::cli
