// Small text helpers: joining pieces, numbers, and making foreign bytes safe to print.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace dmpm {

// The pieces in one string, with one allocation.
std::string concat(std::initializer_list<std::string_view> pieces);

// Decimal digits only: no sign, no space, no empty string. Nothing when it does not fit.
std::optional<uint64_t> parse_decimal(std::string_view text);

// Appends `text` so that no byte of it can end a line, start a terminal escape or pretend to be
// another field: everything outside printable ASCII, '"' and '\' becomes \xHH.
void append_escaped(std::string& out, std::string_view text);
// How many bytes at the start of `text` append_escaped() leaves as they are.
size_t plain_prefix(std::string_view text);

// ASCII only, whatever the locale.
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace dmpm
