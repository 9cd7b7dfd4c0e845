// Table: rows of cells as columns of text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmpm::cli {

// How a cell looks on a terminal.
enum class Style { plain, bold, dim, good, warning, bad };

// `text` in that style; as it is when `colours` is false.
std::string styled(std::string_view text, Style style, bool colours);

class Table {
 public:
  struct Column {
    std::string_view title;
    bool right = false;  // aligned: numbers
  };
  struct Cell {
    std::string text;  // printable, and of one column a character but in the last cell
    Style style = Style::plain;
  };
  using Row = std::vector<Cell>;

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns; or fewer: then the last one may be as wide as it likes.
  void add(Row row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }

  // A line each, the titles first, without newlines. Two spaces between columns.
  std::vector<std::string> lines(bool colours) const;

 private:
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace dmpm::cli
