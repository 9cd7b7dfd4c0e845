// ProblemList: what is wrong in one file, sorted by place, and no more of it than an operator
// reads.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.h"
#include "config/loader.h"

namespace dmpm::config {

// A place within a file that is known from elsewhere; counts from 1.
struct Position {
  unsigned line = 0;
  unsigned column = 0;
  bool operator==(const Position&) const = default;
};

class ProblemList {
 public:
  explicit ProblemList(std::shared_ptr<const std::string> file) : file_(std::move(file)) {}

  const std::shared_ptr<const std::string>& file() const { return file_; }
  bool empty() const { return problems_.empty(); }
  Location locate(Position place) const { return {file_, place.line, place.column}; }

  void add(Position place, std::string message);
  // Of the file as a whole: it cannot be read.
  void add(std::string message) { add(Position{}, std::move(message)); }
  // Takes over those of `other`, which is of the same file.
  void append(ProblemList& other);
  // Appends all to `out`, by place, and says how many were left out. Empties the list.
  void move_to(std::vector<Problem>& out);

 private:
  std::shared_ptr<const std::string> file_;
  std::vector<Problem> problems_;
  size_t left_out_ = 0;
};

// "file:line:column", or "file" alone.
std::string to_string(const Location& location);

// Foreign text in double quotes, escaped, cut where it gets long.
std::string quoted(std::string_view text);

}  // namespace dmpm::config
