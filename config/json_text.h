// The lexical half of reading JSON: what jsoncpp would accept too easily or explain too poorly.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace dmpm::config {

struct TextProblem {
  size_t offset = 0;
  std::string message;
};

// Turns comments (//, /* */) and a byte order mark into spaces, so that every offset stays, and
// finds the first control character, unfinished string or comment, or nesting deeper than
// `max_depth`. After a problem `text` is not meant to be parsed.
std::optional<TextProblem> prepare_json(std::string& text, unsigned max_depth);

}  // namespace dmpm::config
