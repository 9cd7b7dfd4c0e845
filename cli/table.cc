#include "cli/table.h"

#include <algorithm>

#include "base/text.h"

namespace dmpm::cli {
namespace {

std::string_view code_of(Style style) {
  switch (style) {
    case Style::plain: return {};
    case Style::bold: return "1";
    case Style::dim: return "2";
    case Style::good: return "32";
    case Style::warning: return "33";
    case Style::bad: return "31";
  }
  return {};
}

}  // namespace

std::string styled(std::string_view text, Style style, bool colours) {
  if (!colours || style == Style::plain || text.empty()) return std::string(text);
  return concat({"\033[", code_of(style), "m", text, "\033[0m"});
}

std::vector<std::string> Table::lines(bool colours) const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(column.title.size());
  for (const Row& row : rows_) {
    const size_t aligned = row.size() < columns_.size() ? row.size() - 1 : row.size();
    for (size_t i = 0; i < aligned; ++i) widths[i] = std::max(widths[i], row[i].text.size());
  }
  std::vector<std::string> out;
  out.reserve(rows_.size() + 1);
  const auto append = [&](std::string& line, size_t i, const std::string& text, Style style,
                          bool last) {
    const size_t padding = widths[i] - std::min(widths[i], text.size());
    if (columns_[i].right) line.append(padding, ' ');
    line += styled(text, style, colours);
    if (last) return;
    line.append((columns_[i].right ? 0 : padding) + 2, ' ');
  };
  std::string& titles = out.emplace_back();
  for (size_t i = 0; i < columns_.size(); ++i) {
    append(titles, i, std::string(columns_[i].title), Style::bold, i + 1 == columns_.size());
  }
  for (const Row& row : rows_) {
    std::string& line = out.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      append(line, i, row[i].text, row[i].style, i + 1 == row.size());
    }
    line.erase(line.find_last_not_of(' ') + 1);
  }
  return out;
}

}  // namespace dmpm::cli
