#include "config/object_reader.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "base/text.h"
#include "config/limits.h"
#include "config/values.h"

namespace dmpm::config {
namespace {

// The number of single-character edits between two keys.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (to_lower(a[i - 1]) == to_lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string enumerate(const std::string_view* words, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += i + 1 == count ? " and " : ", ";
    out += concat({"\"", words[i], "\""});
  }
  return out;
}

}  // namespace

std::optional<std::string_view> plain_string(const JsonNode& node) {
  if (node.kind() != JsonNode::Kind::string) return std::nullopt;
  const std::string_view text = node.string();
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  return text;
}

std::optional<uint64_t> size_of(const JsonNode& node) {
  if (node.kind() == JsonNode::Kind::number) return node.whole_number();
  const auto text = plain_string(node);
  return text ? parse_size(*text) : std::nullopt;
}

std::string size_expected(uint64_t least, uint64_t most) {
  return concat({"a number of bytes from ", std::to_string(least), " to ", std::to_string(most),
                 " such as 65536 or \"64K\""});
}

ObjectReader::ObjectReader(const JsonNode& node, std::string_view name, ProblemList& problems)
    : node_(node),
      name_(name),
      problems_(problems),
      is_object_(node.kind() == JsonNode::Kind::object) {
  if (is_object_) return;
  problems_.add(node.position(), concat({name, " must be an object, not ", node.described()}));
}

std::optional<JsonNode> ObjectReader::find(std::string_view key) {
  assert(known_count_ < kMaxKeys);
  // Once each: else it would be counted twice, and an unknown key could hide behind that.
  assert(std::find(known_, known_ + known_count_, key) == known_ + known_count_);
  known_[known_count_++] = key;
  if (!is_object_) return std::nullopt;
  const auto member = node_.member(key);
  if (member) ++found_;
  return member;
}

std::optional<JsonNode> ObjectReader::require(std::string_view key, std::string_view expected) {
  const auto member = find(key);
  if (!member && is_object_) {
    problems_.add(node_.position(),
                  concat({"\"", key, "\" is missing from ", name_, ": expected ", expected}));
  }
  return member;
}

void ObjectReader::boolean(std::string_view key, bool& out) {
  const auto member = find(key);
  if (!member) return;
  if (member->kind() != JsonNode::Kind::boolean) return wrong(key, *member, "true or false");
  out = member->boolean();
}

void ObjectReader::count(std::string_view key, unsigned& out, unsigned least, unsigned most) {
  const auto member = find(key);
  if (!member) return;
  const auto number =
      member->kind() == JsonNode::Kind::number ? member->whole_number() : std::nullopt;
  if (!number || *number < least || *number > most) {
    return wrong(
        key, *member,
        concat({"a whole number of ", std::to_string(least), " to ", std::to_string(most)}));
  }
  out = static_cast<unsigned>(*number);
}

void ObjectReader::bytes(std::string_view key, uint64_t& out, uint64_t least, uint64_t most) {
  const auto member = find(key);
  if (!member) return;
  const auto value = size_of(*member);
  if (!value || *value < least || *value > most) {
    return wrong(key, *member, size_expected(least, most));
  }
  out = *value;
}

void ObjectReader::duration(std::string_view key, Milliseconds& out) {
  const auto member = find(key);
  if (!member) return;
  const auto text = plain_string(*member);
  const auto value = text ? parse_duration(*text) : std::nullopt;
  if (!value) return wrong(key, *member, kDurationExpected);
  out = *value;
}

void ObjectReader::absolute_path(std::string_view key, std::string& out) {
  const auto member = find(key);
  if (!member) return;
  const bool is_text = member->kind() == JsonNode::Kind::string;
  const auto text = is_text ? std::optional(member->string()) : std::nullopt;
  if (!text || !is_absolute_path(*text)) return wrong(key, *member, expected_path(text));
  out = *text;
}

std::optional<std::string_view> ObjectReader::element_string(std::string_view key,
                                                             const JsonNode& element) {
  const auto text = plain_string(element);
  if (!text) {
    problems_.add(element.position(), concat({"each element of \"", key,
                                              "\" must be a string, not ", element.described()}));
  }
  return text;
}

void ObjectReader::wrong(std::string_view key, const JsonNode& found, std::string_view expected) {
  problems_.add(found.position(),
                concat({"\"", key, "\" must be ", expected, ", not ", found.described()}));
}

void ObjectReader::finish() {
  if (!is_object_ || found_ == node_.size()) return;
  for (const JsonMember& member : node_.members()) {
    if (std::find(known_, known_ + known_count_, member.key) == known_ + known_count_) {
      unknown(member);
    }
  }
}

void ObjectReader::unknown(const JsonMember& member) {
  const Position place = member.value.key_position(member.key);
  if (known_count_ == 0) {
    return problems_.add(
        place, concat({"unknown key ", quoted(member.key), " in ", name_, ", which has no keys"}));
  }
  const std::string_view key = member.key.substr(0, limits::kMaxQuoted);
  const auto* nearest = std::min_element(
      known_, known_ + known_count_,
      [&](std::string_view a, std::string_view b) { return distance(key, a) < distance(key, b); });
  if (distance(key, *nearest) * 3 <= nearest->size()) {
    return problems_.add(place, concat({"unknown key ", quoted(member.key), " in ", name_,
                                        "; did you mean \"", *nearest, "\"?"}));
  }
  problems_.add(place, concat({"unknown key ", quoted(member.key), " in ", name_, "; expected are ",
                               enumerate(known_, known_count_)}));
}

}  // namespace dmpm::config
