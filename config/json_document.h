// JsonDocument: a parsed JSON text that knows where each value stands. jsoncpp ends at this border:
// no other file knows its types, and none of its exceptions leaves it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem_list.h"

namespace Json {
class CharReader;
class Value;
}  // namespace Json

namespace dmpm::config {

class JsonDocument;
struct JsonMember;

// One value. Points into its document, which must outlive it; copy freely.
class JsonNode {
 public:
  enum class Kind { null, boolean, number, string, list, object };

  Kind kind() const;
  Position position() const;
  // Of the key, when this is the member `key` of an object.
  Position key_position(std::string_view key) const;
  // How messages name it: as written, or "a list", "an object".
  std::string described() const;

  // Only for the kind that each names.
  bool boolean() const;
  std::string_view string() const;               // valid as long as the document
  std::optional<uint64_t> whole_number() const;  // nothing for 1.0, 1e3, -1, +1
  size_t size() const;                           // of a list or an object
  JsonNode element(size_t index) const;
  std::optional<JsonNode> member(std::string_view key) const;
  std::vector<JsonMember> members() const;  // sorted by key

 private:
  friend class JsonDocument;
  JsonNode(const JsonDocument& document, const Json::Value& value)
      : document_(&document), value_(&value) {}
  const JsonDocument* document_;
  const Json::Value* value_;
};

struct JsonMember {
  std::string_view key;  // valid as long as the document
  JsonNode value;
};

class JsonDocument {
 public:
  ~JsonDocument();
  JsonNode root() const { return {*this, *root_}; }
  Position position(size_t offset) const;
  std::string_view text() const { return text_; }

 private:
  friend class JsonParser;
  JsonDocument(std::string text);
  std::string text_;  // without comments
  std::unique_ptr<Json::Value> root_;
  std::vector<size_t> line_starts_;
};

// Parses strictly: one value, no duplicate keys, no trailing commas, no special numbers; comments
// are allowed. Keeps jsoncpp's reader, which is costlier to make than a small file to parse.
class JsonParser {
 public:
  JsonParser();
  ~JsonParser();
  JsonParser(const JsonParser&) = delete;
  JsonParser& operator=(const JsonParser&) = delete;

  // Nothing when the text is not JSON: then why and where has been added to `problems`.
  std::unique_ptr<const JsonDocument> parse(std::string text, ProblemList& problems);

 private:
  std::unique_ptr<Json::CharReader> reader_;
};

}  // namespace dmpm::config
