#include "config/module_settings.h"

#include <map>
#include <optional>

#include "base/text.h"
#include "config/limits.h"
#include "config/object_reader.h"
#include "config/values.h"

namespace dmpm::config {
namespace {
class ModuleReading;
}
}  // namespace dmpm::config

// What the module holds by pointer only. Lives as long as the reading.
struct dmpm_value {
  dmpm_value(dmpm::config::ModuleReading& owner, const dmpm::config::JsonNode& json,
             std::string subject_of_messages)
      : reading(owner), node(json), subject(std::move(subject_of_messages)) {}

  dmpm::config::ModuleReading& reading;
  const dmpm::config::JsonNode node;
  const std::string subject;                          // how messages call it: "\"size\""
  std::optional<dmpm::config::ObjectReader> members;  // once it has been asked for one
  std::map<std::string, const dmpm_value*, std::less<>> asked;
  std::map<size_t, const dmpm_value*> elements;
  bool not_a_list_reported = false;
};

namespace dmpm::config {
namespace {

// dmpm_reader is the base, so that emit() finds the rest.
class ModuleReading : public dmpm_reader {
 public:
  ModuleReading(std::string_view name, const JsonNode& node, ProblemList& problems);

  const dmpm_value* value(const JsonNode& node, std::string subject) {
    return &values_.emplace_back(*this, node, std::move(subject));
  }
  const char* keep(std::string_view chars) { return kept_.emplace_back(chars).c_str(); }
  void report(const dmpm_value& value, std::string message) {
    problems_.add(value.node.position(), std::move(message));
  }
  void report_wrong(const dmpm_value& value, std::string_view expected) {
    report(value, concat({value.subject, " must be ", expected, ", not ", value.node.described()}));
  }
  ProblemList& problems() { return problems_; }
  void append(const void* bytes, size_t size);
  // The unknown keys, and the result.
  std::string finish();

 private:
  ProblemList& problems_;
  const std::string name_;
  std::deque<dmpm_value> values_;
  std::deque<std::string> kept_;
  std::string emitted_;
  bool emitted_too_much_ = false;
};

// A value is const to the module only.
dmpm_value& mine(const dmpm_value* value) {
  return const_cast<dmpm_value&>(*value);
}

// Reports that it is none, once.
ObjectReader& members_of(dmpm_value& value) {
  if (!value.members) {
    value.members.emplace(value.node, value.subject, value.reading.problems());
  }
  return *value.members;
}

const dmpm_value* member(const dmpm_value* object, const char* key) {
  if (object == nullptr) return nullptr;
  dmpm_value& value = mine(object);
  ObjectReader& members = members_of(value);
  const auto known = value.asked.find(std::string_view(key));
  if (known != value.asked.end()) return known->second;
  if (value.asked.size() == ObjectReader::kMaxKeys) {
    value.reading.report(value, concat({value.subject, " has too many members"}));
    return nullptr;
  }
  const std::string_view kept = value.reading.keep(key);
  const auto found = members.find(kept);
  const dmpm_value* given = found ? value.reading.value(*found, quoted(kept)) : nullptr;
  value.asked.emplace(kept, given);
  return given;
}

const char* key(const dmpm_value* object, size_t index) {
  if (object == nullptr) return nullptr;
  dmpm_value& value = mine(object);
  members_of(value);
  if (value.node.kind() != JsonNode::Kind::object) return nullptr;
  const auto members = value.node.members();
  return index < members.size() ? value.reading.keep(members[index].key) : nullptr;
}

const dmpm_value* element(const dmpm_value* list, size_t index) {
  if (list == nullptr) return nullptr;
  dmpm_value& value = mine(list);
  if (value.node.kind() != JsonNode::Kind::list) {
    if (!value.not_a_list_reported) value.reading.report_wrong(value, "a list");
    value.not_a_list_reported = true;
    return nullptr;
  }
  if (index >= value.node.size()) return nullptr;
  const dmpm_value*& place = value.elements[index];
  if (place == nullptr) {
    place =
        value.reading.value(value.node.element(index), concat({"each element of ", value.subject}));
  }
  return place;
}

void wrong(const dmpm_value* value, const char* expected) {
  if (value != nullptr) value->reading.report_wrong(*value, expected);
}

void error(const dmpm_value* value, const char* sentence) {
  if (value == nullptr) return;
  std::string text(std::string_view(sentence).substr(0, limits::kMaxModuleSentence));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  value->reading.report(*value, std::move(text));
}

int boolean(const dmpm_value* value, int* out) {
  if (value == nullptr) return 0;
  if (value->node.kind() != JsonNode::Kind::boolean) return wrong(value, "true or false"), 0;
  *out = value->node.boolean() ? 1 : 0;
  return 1;
}

// As written: whole_number() knows none below 0.
std::optional<int64_t> integer_of(const JsonNode& node) {
  if (node.kind() != JsonNode::Kind::number) return std::nullopt;
  const std::string text = node.described();
  const bool negative = text.starts_with('-');
  const auto size = parse_decimal(std::string_view(text).substr(negative ? 1 : 0));
  if (!size || *size > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return negative ? -static_cast<int64_t>(*size) : static_cast<int64_t>(*size);
}

int integer(const dmpm_value* value, int64_t least, int64_t most, int64_t* out) {
  if (value == nullptr) return 0;
  const auto number = integer_of(value->node);
  if (!number || *number < least || *number > most) {
    value->reading.report_wrong(*value, concat({"a whole number of ", std::to_string(least), " to ",
                                                std::to_string(most)}));
    return 0;
  }
  *out = *number;
  return 1;
}

int bytes(const dmpm_value* value, uint64_t least, uint64_t most, uint64_t* out) {
  if (value == nullptr) return 0;
  const auto size = size_of(value->node);
  if (!size || *size < least || *size > most) {
    return wrong(value, size_expected(least, most).c_str()), 0;
  }
  *out = *size;
  return 1;
}

int string(const dmpm_value* value, const char* expected, const char** out) {
  if (value == nullptr) return 0;
  const auto text = plain_string(value->node);
  if (!text) return wrong(value, expected), 0;
  *out = value->reading.keep(*text);
  return 1;
}

int absolute_path(const dmpm_value* value, const char** out) {
  if (value == nullptr) return 0;
  const auto text = plain_string(value->node);
  if (!text || !is_absolute_path(*text)) {
    return value->reading.report_wrong(*value, expected_path(text)), 0;
  }
  *out = value->reading.keep(*text);
  return 1;
}

int text(const dmpm_value* value, const char* expected, const char** out) {
  if (value == nullptr || value->node.kind() != JsonNode::Kind::number) {
    return string(value, expected, out);
  }
  *out = value->reading.keep(value->node.described());
  return 1;
}

void emit(const dmpm_reader* reader, const void* data, size_t size) {
  auto* reading = static_cast<ModuleReading*>(const_cast<dmpm_reader*>(reader));
  reading->append(data, size);
}

ModuleReading::ModuleReading(std::string_view name, const JsonNode& node, ProblemList& problems)
    : dmpm_reader{nullptr,          &config::member,  &config::key,
                  &config::element, &config::boolean, &config::integer,
                  &config::bytes,   &config::string,  &config::absolute_path,
                  &config::text,    &config::wrong,   &config::error,
                  &config::emit},
      problems_(problems),
      name_(name) {
  settings = value(node, quoted(name_));
  // Also when the module asks for nothing: it must be an object, and an empty one.
  members_of(mine(settings));
}

void ModuleReading::append(const void* data, size_t size) {
  emitted_too_much_ = emitted_too_much_ || size > DMPM_MAX_SETTINGS - emitted_.size();
  if (!emitted_too_much_) emitted_.append(static_cast<const char*>(data), size);
}

std::string ModuleReading::finish() {
  for (dmpm_value& value : values_) {
    if (value.members) value.members->finish();
  }
  if (emitted_too_much_)
    report(*settings, concat({"the settings of ", quoted(name_), " are too large"}));
  return std::move(emitted_);
}

}  // namespace

std::string read_module_settings(const dmpm_module& module, std::string_view name,
                                 const JsonNode& settings, ProblemList& problems) {
  ModuleReading reading(name, settings, problems);
  if (settings.kind() != JsonNode::Kind::object) return {};  // said already
  module.read(&reading);
  return reading.finish();
}

}  // namespace dmpm::config
