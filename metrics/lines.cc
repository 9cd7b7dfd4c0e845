#include "metrics/lines.h"

#include "base/text.h"

namespace dmpm::metrics {

void append_line(std::string& out, std::string_view name, std::string_view suffix,
                 std::initializer_list<Label> labels, std::string_view value) {
  out.append(name).append(suffix);
  char separator = '{';
  for (const auto& [label, text] : labels) {
    out += separator;
    out.append(label).append("=\"");
    append_label_value(out, text);
    out += '"';
    separator = ',';
  }
  if (labels.size() > 0) out += '}';
  out.append(" ").append(value) += '\n';
}

void append_line(std::string& out, std::string_view name, std::initializer_list<Label> labels,
                 uint64_t value) {
  append_line(out, name, "", labels, std::to_string(value));
}

std::string seconds(uint64_t milliseconds) {
  std::string text = std::to_string(milliseconds / 1000);
  const uint64_t rest = milliseconds % 1000;
  if (rest == 0) return text;
  std::string digits = std::to_string(1000 + rest).substr(1);
  while (digits.back() == '0') digits.pop_back();
  return concat({text, ".", digits});
}

void append_label_value(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '"': out += "\\\""; break;
      case '\n': out += "\\n"; break;
      default: out += c >= 0x20 && c < 0x7f ? c : '?';
    }
  }
}

}  // namespace dmpm::metrics
