// Reads the arguments of a command: "--name VALUE" or "--name=VALUE", or "--flag", each at most
// once, and words that are no options.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dmpm::cli {

// An option that a command takes.
struct Known {
  std::string_view name;   // with its dashes
  std::string_view value;  // what stands for its value in the help; empty: it is a flag
  std::string_view help;
};

class Options {
 public:
  bool has(std::string_view name) const { return named_.contains(name); }
  // Null: it was not given.
  const std::string* value(std::string_view name) const {
    const auto found = named_.find(name);
    return found == named_.end() ? nullptr : &found->second;
  }
  std::string value_or(std::string_view name, std::string_view otherwise) const {
    const std::string* given = value(name);
    return given != nullptr ? *given : std::string(otherwise);
  }
  const std::vector<std::string>& words() const { return words_; }

 private:
  friend Result<Options> parse_options(std::span<char* const> arguments,
                                       std::span<const Known> known, size_t most_words);
  std::map<std::string_view, std::string> named_;
  std::vector<std::string> words_;
};

// The error says which argument is not understood. The result refers to `known`.
Result<Options> parse_options(std::span<char* const> arguments, std::span<const Known> known,
                              size_t most_words);

}  // namespace dmpm::cli
