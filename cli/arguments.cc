#include "cli/arguments.h"

#include <algorithm>

#include "base/text.h"

namespace dmpm::cli {

Result<Options> parse_options(std::span<char* const> arguments,
                              std::span<const std::string_view> known) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const size_t equals = std::min(argument.find('='), argument.size());
    const auto name = std::find(known.begin(), known.end(), argument.substr(0, equals));
    if (name == known.end()) {
      return Error{
          concat({argument.starts_with('-') ? "unknown option \"" : "unexpected argument \"",
                  argument, "\""})};
    }
    const bool joined = equals < argument.size();
    if (!joined && i + 1 == arguments.size()) {
      return Error{concat({"the option ", *name, " needs a value"})};
    }
    const std::string_view value = joined ? argument.substr(equals + 1) : arguments[++i];
    if (!options.emplace(*name, value).second) {
      return Error{concat({"the option ", *name, " is given twice"})};
    }
  }
  return options;
}

}  // namespace dmpm::cli
