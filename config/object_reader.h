// ObjectReader: typed access to the members of one JSON object. Whatever is wrong is added to the
// problems with its place, what was expected and what was found; reading then goes on with the
// default, so that all problems of a file are found in one go.
//
//   ObjectReader reader(node, "\"scale\"", problems);   // adds a problem unless it is an object
//   reader.count("queue", scale.queue, 0, 65'536);
//   reader.finish();                                     // adds one for each key not asked for
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.h"
#include "config/json_document.h"
#include "config/problem_list.h"

namespace dmpm::config {

class ObjectReader {
 public:
  static constexpr size_t kMaxKeys = 24;

  // `name` is how messages call the object; it and the keys below must outlive the reader.
  ObjectReader(const JsonNode& node, std::string_view name, ProblemList& problems);

  const JsonNode& node() const { return node_; }
  // The member, if it is there. Makes `key` a known one.
  std::optional<JsonNode> find(std::string_view key);
  // The same, but its absence is a problem.
  std::optional<JsonNode> require(std::string_view key, std::string_view expected);

  // Each leaves `out` as it is when the key is absent or wrong.
  void boolean(std::string_view key, bool& out);
  void count(std::string_view key, unsigned& out, unsigned least, unsigned most);
  // A number, or text such as "64K".
  void bytes(std::string_view key, uint64_t& out, uint64_t least, uint64_t most);
  void duration(std::string_view key, Milliseconds& out);
  void absolute_path(std::string_view key, std::string& out);
  // An element of the list `key`; nothing when it is no string.
  std::optional<std::string_view> element_string(std::string_view key, const JsonNode& element);

  // Adds '"key" must be EXPECTED, not FOUND'.
  void wrong(std::string_view key, const JsonNode& found, std::string_view expected);
  void finish();

 private:
  void unknown(const JsonMember& member);

  JsonNode node_;
  std::string_view name_;
  ProblemList& problems_;
  bool is_object_;
  size_t found_ = 0;  // members that were asked for and are there
  std::string_view known_[kMaxKeys];
  size_t known_count_ = 0;
};

// A number of bytes, or text such as "64K"; nothing when it is neither.
std::optional<uint64_t> size_of(const JsonNode& node);
std::string size_expected(uint64_t least, uint64_t most);

// A string without zero bytes, which no path, name or argument can hold.
std::optional<std::string_view> plain_string(const JsonNode& node);

}  // namespace dmpm::config
