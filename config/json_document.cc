#include "config/json_document.h"

#include <json/reader.h>
#include <json/value.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "base/text.h"
#include "config/json_text.h"
#include "config/limits.h"

namespace dmpm::config {
namespace {

size_t offset_of(const Json::Value& value) {
  return static_cast<size_t>(value.getOffsetStart());
}

// jsoncpp's words for a syntax error, and ours.
struct Translation {
  std::string_view theirs, ours;
};
constexpr Translation kTranslations[] = {
    {"A valid JSON document must be either an array or an object value.",
     "expected an object in braces"},
    {"Syntax error: value, object or array expected.", "expected a value here"},
    {"Missing '}' or object member name", "expected a key in double quotes here, or the end \"}\""},
    {"Missing ':' after object member name", "expected \":\" after the key"},
    {"Missing ',' or '}' in object declaration", "expected \",\" or \"}\" here"},
    {"Missing ',' or ']' in array declaration", "expected \",\" or \"]\" here"},
    {"Extra non-whitespace after JSON value.", "expected nothing more after the last \"}\""},
};

std::string translate(std::string_view theirs) {
  for (const Translation& entry : kTranslations) {
    if (theirs == entry.theirs) return std::string(entry.ours);
  }
  constexpr std::string_view kDuplicate = "Duplicate key: '";
  if (theirs.starts_with(kDuplicate) && theirs.ends_with('\'')) {
    theirs.remove_prefix(kDuplicate.size());
    theirs.remove_suffix(1);
    return concat({"the key ", quoted(theirs), " is there twice in this object"});
  }
  std::string message = "not valid JSON: ";
  append_escaped(message, theirs.substr(0, 2 * limits::kMaxQuoted));
  return message;
}

// jsoncpp gives its errors as text only: "* Line 3, Column 5\n  message\n...". What follows the
// first one is mostly its consequence.
void add_syntax_error(const std::string& errors, ProblemList& problems) {
  Position place{1, 1};
  int header = 0;
  if (std::sscanf(errors.c_str(), "* Line %u, Column %u\n  %n", &place.line, &place.column,
                  &header) != 2 ||
      header == 0) {
    return problems.add(place, "not valid JSON");
  }
  const std::string_view rest = std::string_view(errors).substr(static_cast<size_t>(header));
  problems.add(place, translate(rest.substr(0, rest.find('\n'))));
}

}  // namespace

JsonNode::Kind JsonNode::kind() const {
  switch (value_->type()) {
    case Json::nullValue: return Kind::null;
    case Json::booleanValue: return Kind::boolean;
    case Json::intValue:
    case Json::uintValue:
    case Json::realValue: return Kind::number;
    case Json::stringValue: return Kind::string;
    case Json::arrayValue: return Kind::list;
    case Json::objectValue: break;
  }
  return Kind::object;
}

Position JsonNode::position() const {
  return document_->position(offset_of(*value_));
}

Position JsonNode::key_position(std::string_view key) const {
  const std::string_view before = document_->text().substr(0, offset_of(*value_));
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t colon = before.find_last_not_of(kSpace);
  if (colon == std::string_view::npos || before[colon] != ':' || colon == 0) return position();
  const size_t quote = before.find_last_not_of(kSpace, colon - 1);
  // A key that was written with escapes is longer than `key`: then the value's place will do.
  if (quote == std::string_view::npos || quote < key.size() + 1) return position();
  const size_t start = quote - key.size() - 1;
  const bool as_written = before[start] == '"' && before.substr(start + 1, key.size()) == key;
  return as_written ? document_->position(start) : position();
}

std::string JsonNode::described() const {
  if (kind() == Kind::object) return size() == 0 ? "an empty object" : "an object";
  if (kind() == Kind::list) return size() == 0 ? "an empty list" : "a list";
  if (kind() == Kind::string) return quoted(string());
  const auto limit = static_cast<size_t>(value_->getOffsetLimit());
  std::string out;
  append_escaped(out, document_->text()
                          .substr(offset_of(*value_), limit - offset_of(*value_))
                          .substr(0, limits::kMaxQuoted));
  return out;
}

bool JsonNode::boolean() const {
  return value_->asBool();
}

std::string_view JsonNode::string() const {
  const char* begin = nullptr;
  const char* end = nullptr;
  value_->getString(&begin, &end);
  return {begin, static_cast<size_t>(end - begin)};
}

std::optional<uint64_t> JsonNode::whole_number() const {
  // By type: isUInt64() would take 1.0 as well.
  const Json::ValueType type = value_->type();
  if ((type != Json::intValue && type != Json::uintValue) || !value_->isUInt64()) {
    return std::nullopt;
  }
  return value_->asUInt64();
}

size_t JsonNode::size() const {
  return value_->size();
}

JsonNode JsonNode::element(size_t index) const {
  return {*document_, (*value_)[static_cast<Json::ArrayIndex>(index)]};
}

std::optional<JsonNode> JsonNode::member(std::string_view key) const {
  const Json::Value* found = value_->find(key.data(), key.data() + key.size());
  if (found == nullptr) return std::nullopt;
  return JsonNode(*document_, *found);
}

std::vector<JsonMember> JsonNode::members() const {
  std::vector<JsonMember> out;
  out.reserve(size());
  for (auto member = value_->begin(); member != value_->end(); ++member) {
    const char* end = nullptr;
    const char* begin = member.memberName(&end);
    out.push_back({{begin, static_cast<size_t>(end - begin)}, JsonNode(*document_, *member)});
  }
  return out;
}

JsonDocument::JsonDocument(std::string text)
    : text_(std::move(text)), root_(std::make_unique<Json::Value>()) {
  line_starts_.push_back(0);
  for (size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', end + 1)) {
    line_starts_.push_back(end + 1);
  }
}

JsonDocument::~JsonDocument() = default;

Position JsonDocument::position(size_t offset) const {
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<size_t>(next - line_starts_.begin());
  return {static_cast<unsigned>(line), static_cast<unsigned>(offset - line_starts_[line - 1] + 1)};
}

JsonParser::JsonParser() {
  Json::CharReaderBuilder builder;
  Json::CharReaderBuilder::strictMode(&builder.settings_);
  builder["collectComments"] = false;
  builder["skipBom"] = false;
  builder["stackLimit"] = limits::kMaxDepth + 2;  // never met: prepare_json() counts first
  reader_.reset(builder.newCharReader());
}

JsonParser::~JsonParser() = default;

std::unique_ptr<const JsonDocument> JsonParser::parse(std::string text, ProblemList& problems) {
  const auto lexical = prepare_json(text, limits::kMaxDepth);
  std::unique_ptr<JsonDocument> document(new JsonDocument(std::move(text)));
  if (lexical) {
    problems.add(document->position(lexical->offset), lexical->message);
    return nullptr;
  }
  const char* begin = document->text_.data();
  std::string errors;
  try {
    if (reader_->parse(begin, begin + document->text_.size(), document->root_.get(), &errors)) {
      return document;
    }
  } catch (const std::exception& exception) {
    errors = concat({"* Line 1, Column 1\n  ", exception.what(), "\n"});
  }
  add_syntax_error(errors, problems);
  return nullptr;
}

}  // namespace dmpm::config
