#include "config/values.h"

#include <algorithm>

#include "base/text.h"
#include "config/limits.h"

namespace dmpm::config {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c) || c == '_';
}

// "60s" -> 60 and "s".
struct Quantity {
  std::optional<uint64_t> number;
  std::string_view unit;
};
Quantity split(std::string_view text) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  return {parse_decimal(text.substr(0, end)), text.substr(end)};
}

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr Unit kTimes[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr Unit kSizes[] = {{"", 1},
                           {"K", uint64_t{1} << 10},
                           {"M", uint64_t{1} << 20},
                           {"G", uint64_t{1} << 30},
                           {"T", uint64_t{1} << 40}};

template <size_t N>
std::optional<uint64_t> scaled(std::string_view text, const Unit (&units)[N], uint64_t most) {
  const Quantity quantity = split(text);
  if (!quantity.number) return std::nullopt;
  for (const Unit& unit : units) {
    if (quantity.unit != unit.name) continue;
    if (*quantity.number > most / unit.factor) return std::nullopt;
    return *quantity.number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Milliseconds> parse_duration(std::string_view text) {
  constexpr auto kMost = static_cast<uint64_t>(Milliseconds(limits::kMaxDuration).count());
  const auto value = scaled(text, kTimes, kMost);
  if (!value || *value == 0) return std::nullopt;
  return Milliseconds(*value);
}

std::optional<uint64_t> parse_size(std::string_view text) {
  return scaled(text, kSizes, static_cast<uint64_t>(INT64_MAX));
}

std::optional<mode_t> parse_umask(std::string_view text) {
  const bool octal = text.size() == 3 && std::all_of(text.begin(), text.end(),
                                                     [](char c) { return c >= '0' && c <= '7'; });
  if (!octal) return std::nullopt;
  return static_cast<mode_t>((text[0] - '0') * 64 + (text[1] - '0') * 8 + (text[2] - '0'));
}

std::string_view expected_path(std::optional<std::string_view> found) {
  if (!found || !found->starts_with('/')) return "an absolute path";
  return "a path of at most 4095 bytes without control characters";
}

bool is_absolute_path(std::string_view text) {
  return text.starts_with('/') && text.size() <= limits::kMaxPath &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_group_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '.' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_word(c) || c == '-' || c == '.'; });
}

bool is_environment_name(std::string_view text) {
  return !text.empty() && !is_digit(text.front()) && std::all_of(text.begin(), text.end(), is_word);
}

}  // namespace dmpm::config
