#include "config/access_log_reader.h"

#include "base/access_format.h"
#include "base/text.h"
#include "config/limits.h"

namespace dmpm::config {
namespace {

constexpr std::string_view kKey = "access_log";
// The logger's other files in the log directory.
constexpr std::string_view kTaken[] = {"dmpm.log", "workers", "sites"};

// A plain name: no way leads out of the directory, and none to a hidden file.
bool is_file_name(std::string_view text) {
  if (text.empty() || text.size() > limits::kMaxLogName || text[0] == '.' || text[0] == '-') {
    return false;
  }
  for (const char c : text) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
    if (!fine) return false;
  }
  return true;
}

void read_file(ObjectReader& object, const JsonNode& node, std::string& file) {
  const auto text = plain_string(node);
  if (!text || !is_file_name(*text)) {
    return object.wrong("file", node,
                        "a file's name of up to 200 letters, digits, \".\", \"_\" and \"-\", "
                        "without a directory");
  }
  file = *text;
}

void read_format(ObjectReader& object, std::string& format, ProblemList& problems) {
  const auto node = object.find("format");
  if (!node) return;
  constexpr std::string_view kExpected =
      "\"combined\", \"json\" or a text with variables such as \"$status\"";
  const auto text = plain_string(*node);
  if (!text) return object.wrong("format", *node, kExpected);
  const auto parsed = parse_access_format(*text);
  if (parsed.ok()) {
    format = *text;
  } else {
    problems.add(node->position(),
                 concat({"\"format\" must be ", kExpected, ": ", parsed.error().message}));
  }
}

// Nothing when there is no object to read.
std::optional<JsonNode> find_log(ObjectReader& object, bool& off) {
  const auto node = object.find(kKey);
  off = node && node->kind() == JsonNode::Kind::boolean && !node->boolean();
  if (!node || off) return std::nullopt;
  if (node->kind() == JsonNode::Kind::object) return node;
  object.wrong(kKey, *node, "an object or false");
  return std::nullopt;
}

}  // namespace

void read_access_log(ObjectReader& object, AccessLog& log, ProblemList& problems) {
  bool off = false;
  const auto node = find_log(object, off);
  if (!node) return;
  ObjectReader reader(*node, "\"access_log\"", problems);
  log.file = "access.log";
  if (const auto file = reader.find("file")) {
    const bool none = file->kind() == JsonNode::Kind::boolean && !file->boolean();
    log.file.clear();
    if (!none) read_file(reader, *file, log.file);
    for (const std::string_view taken : kTaken) {
      if (log.file == taken)
        reader.wrong("file", *file, "a name that the logger does not use itself");
    }
  }
  read_format(reader, log.format, problems);
  reader.boolean("per_virtual_host", log.per_virtual_host);
  reader.finish();
}

void read_host_access_log(ObjectReader& object, Boxed<HostAccessLog>& log, ProblemList& problems) {
  bool off = false;
  const auto node = find_log(object, off);
  if (off) log.emplace().off = true;
  if (!node) return;
  log.emplace();
  ObjectReader reader(*node, "this \"access_log\"", problems);
  if (const auto file = reader.find("file")) read_file(reader, *file, log->file);
  read_format(reader, log->format, problems);
  reader.finish();
}

}  // namespace dmpm::config
