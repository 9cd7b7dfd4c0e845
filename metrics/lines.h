// The lines of Prometheus' text format.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace dmpm::metrics {

using Label = std::pair<std::string_view, std::string_view>;

// NAME SUFFIX {label="value",...} VALUE. Names are of the format's letters; values may be anything.
void append_line(std::string& out, std::string_view name, std::string_view suffix,
                 std::initializer_list<Label> labels, std::string_view value);
void append_line(std::string& out, std::string_view name, std::initializer_list<Label> labels,
                 uint64_t value);
// As a label's value: \, " and line ends are escaped, what is no printable ASCII becomes '?'.
void append_label_value(std::string& out, std::string_view text);

// Milliseconds as seconds, exactly.
std::string seconds(uint64_t milliseconds);

}  // namespace dmpm::metrics
