#include "worker-adapter/arguments.h"

namespace dmpm::adapter {

std::optional<Arguments> Arguments::parse(const std::vector<std::string_view>& words) {
  if (words.size() < 2) return std::nullopt;
  Arguments all;
  all.program_ = words[0];
  all.task_ = words[1];
  size_t at = 2;
  if (all.task_ == "preset") {
    if (words.size() < 3) return std::nullopt;
    all.preset_ = words[at++];
  }
  for (; at < words.size() && words[at] != "--"; ++at) {
    const size_t equals = words[at].find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    all.values_.emplace_back(words[at].substr(0, equals), words[at].substr(equals + 1));
  }
  for (++at; at < words.size(); ++at) all.command_.emplace_back(words[at]);
  if (all.command_.empty() != (all.task_ == "preset")) return std::nullopt;
  return all;
}

std::optional<std::string> Arguments::value(std::string_view key) const {
  std::optional<std::string> found;
  for (const auto& [name, value] : values_) {
    if (name == key) found = value;
  }
  return found;
}

std::string Arguments::value_or(std::string_view key, std::string_view otherwise) const {
  return value(key).value_or(std::string(otherwise));
}

std::vector<std::string> Arguments::values(std::string_view key) const {
  std::vector<std::string> found;
  for (const auto& [name, value] : values_) {
    if (name == key) found.push_back(value);
  }
  return found;
}

}  // namespace dmpm::adapter
