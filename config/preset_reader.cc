#include "config/preset_reader.h"

#include <algorithm>

#include "base/text.h"
#include "config/values.h"

namespace dmpm::config {
namespace {

enum Preset : unsigned {
  kStatic = 1,
  kPhp = 2,
  kApache = 4,
  kNode = 8,
  kPython = 16,
  kAll = 31,
};

struct PresetName {
  std::string_view name;
  Preset preset;
};
constexpr PresetName kPresets[] = {
    {"static", kStatic}, {"php", kPhp}, {"apache", kApache}, {"node", kNode}, {"python", kPython}};

enum class Kind { path, text, names, settings, count, boolean };

// Which keys each preset has (worker-adapter/README.md says what they mean).
struct PresetKey {
  std::string_view name;
  Kind kind;
  unsigned presets;
};
constexpr PresetKey kKeys[] = {{"document_root", Kind::path, kAll},
                               {"private_directory", Kind::path, kAll},
                               {"index", Kind::names, kStatic | kPhp | kApache},
                               {"front_controller", Kind::text, kPhp},
                               {"processes", Kind::count, kPhp | kPython},
                               {"php", Kind::boolean, kApache},
                               {"php_extensions", Kind::names, kPhp | kApache},
                               {"php_ini", Kind::settings, kPhp | kApache},
                               {"script", Kind::text, kNode},
                               {"application", Kind::text, kPython}};

constexpr unsigned kMostProcesses = 256;

// What can be put between double quotes in every server's configuration and means itself.
bool is_plain(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
           std::string_view("\"'\\$<>").find(c) != std::string_view::npos;
  });
}
constexpr std::string_view kPlainExpected =
    "text without control characters, quotes, backslashes, $, < and >";

bool is_setting_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
}

class KeyReader {
 public:
  KeyReader(ObjectReader& object, Worker& worker, ProblemList& problems)
      : object_(object), worker_(worker), problems_(problems) {}

  void read(const PresetKey& key) {
    if (key.kind == Kind::count) return count(key);
    if (key.kind == Kind::boolean) return boolean(key);
    const auto node = object_.find(key.name);
    if (!node) return;
    if (key.kind == Kind::names) return names(key, *node);
    if (key.kind == Kind::settings) return settings(key, *node);
    text(key, *node);
  }

 private:
  void add(std::string_view key, std::string_view value) {
    worker_.adapter.push_back(concat({key, "=", value}));
  }

  void text(const PresetKey& key, const JsonNode& node) {
    const auto found = plain_string(node);
    if (key.kind == Kind::path && (!found || !is_absolute_path(*found))) {
      return object_.wrong(key.name, node, expected_path(found));
    }
    if (!found || !is_plain(*found)) return object_.wrong(key.name, node, kPlainExpected);
    add(key.name, *found);
  }

  void names(const PresetKey& key, const JsonNode& node) {
    if (node.kind() != JsonNode::Kind::list || node.size() == 0) {
      return object_.wrong(key.name, node, "a list of names of files");
    }
    for (size_t i = 0; i < node.size(); ++i) {
      const JsonNode element = node.element(i);
      const auto name = object_.element_string(key.name, element);
      if (!name) continue;
      if (!is_plain(*name) || name->find_first_of("/ ") != std::string_view::npos) {
        problems_.add(element.position(), concat({"each element of \"", key.name,
                                                  "\" must be a file's name without / and space, "
                                                  "not ",
                                                  element.described()}));
      }
      add(key.name, *name);
    }
  }

  void settings(const PresetKey& key, const JsonNode& node) {
    if (node.kind() != JsonNode::Kind::object) {
      return object_.wrong(key.name, node, "an object of names and strings");
    }
    for (const JsonMember& member : node.members()) {
      const auto value = plain_string(member.value);
      if (member.key.empty() || !is_setting_name(member.key)) {
        problems_.add(member.value.key_position(member.key),
                      concat({"the name of a setting must be of A-Z a-z 0-9 _ and ., not ",
                              quoted(member.key)}));
      } else if (!value || !is_plain(*value)) {
        object_.wrong(member.key, member.value, kPlainExpected);
      } else {
        add(key.name, concat({member.key, "=", *value}));
      }
    }
  }

  void count(const PresetKey& key) {
    unsigned value = 0;  // stays when there is none
    object_.count(key.name, value, 1, kMostProcesses);
    if (value != 0) add(key.name, std::to_string(value));
  }

  void boolean(const PresetKey& key) {
    const bool given = object_.node().member(key.name).has_value();
    bool value = true;
    object_.boolean(key.name, value);
    if (given) add(key.name, value ? "yes" : "no");
  }

  ObjectReader& object_;
  Worker& worker_;
  ProblemList& problems_;
};

}  // namespace

void read_preset(ObjectReader& object, const JsonNode& preset, Worker& worker,
                 ProblemList& problems) {
  const auto text = plain_string(preset);
  const auto* entry =
      std::find_if(std::begin(kPresets), std::end(kPresets),
                   [&](const PresetName& candidate) { return text && candidate.name == *text; });
  if (entry == std::end(kPresets)) {
    object.wrong("preset", preset, "\"static\", \"php\", \"apache\", \"node\" or \"python\"");
    // Whose keys the others are is unknown: they are nobody's fault.
    for (const PresetKey& key : kKeys) object.find(key.name);
    return;
  }
  worker.adapter = {"preset", std::string(entry->name)};
  if (!object.node().member("document_root")) {
    problems.add(
        object.node().position(),
        "\"document_root\" is missing from \"worker\": a preset needs the absolute path of "
        "the site's directory");
  }
  KeyReader reader(object, worker, problems);
  for (const PresetKey& key : kKeys) {
    if ((key.presets & entry->preset) != 0) reader.read(key);
  }
}

}  // namespace dmpm::config
