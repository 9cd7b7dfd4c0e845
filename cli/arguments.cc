#include "cli/arguments.h"

#include <algorithm>

#include "base/text.h"
#include "cli/text.h"

namespace dmpm::cli {

Result<Options> parse_options(std::span<char* const> arguments, std::span<const Known> known,
                              size_t most_words) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const bool word = !argument.starts_with('-');
    if (word && options.words_.size() < most_words) {
      options.words_.emplace_back(argument);
      continue;
    }
    const size_t equals = std::min(argument.find('='), argument.size());
    const bool joined = equals < argument.size();
    const auto option = std::find_if(known.begin(), known.end(), [&](const Known& each) {
      return each.name == argument.substr(0, equals) && !(each.value.empty() && joined);
    });
    if (option == known.end()) {
      return Error{concat(
          {word ? "unexpected argument \"" : "unknown option \"", printable(argument), "\""})};
    }
    const bool flag = option->value.empty();
    if (!flag && !joined && i + 1 == arguments.size()) {
      return Error{concat({"the option ", option->name, " needs a value"})};
    }
    std::string_view value;
    if (joined) {
      value = argument.substr(equals + 1);
    } else if (!flag) {
      value = arguments[++i];
    }
    if (!options.named_.emplace(option->name, value).second) {
      return Error{concat({"the option ", option->name, " is given twice"})};
    }
  }
  return options;
}

}  // namespace dmpm::cli
