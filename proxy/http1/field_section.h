// FieldSection: the header lines of a request, a response or a trailer section (RFC 9112 5),
// parsed strictly: nothing is repaired.
//
// Lines are kept as offsets, since the input may move while more of it arrives; finish() turns them
// into views. Reused from message to message without allocating.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/http/field.h"
#include "proxy/http/rejection.h"
#include "proxy/limits.h"

namespace dmpm::http1 {

// Finds lines that end in CRLF in input that grows. Linear: no byte is looked at twice.
class LineScanner {
 public:
  enum class Outcome { line, incomplete, bare_line_feed };
  // `input` begins at the same byte at every call. On `line`, [begin, end) is its content.
  Outcome next(std::string_view input);
  size_t begin() const { return begin_; }
  size_t end() const { return end_; }
  // The offset behind the last line found.
  size_t position() const { return next_; }
  void reset() { begin_ = end_ = next_ = scanned_ = 0; }

 private:
  size_t begin_ = 0, end_ = 0, next_ = 0, scanned_ = 0;
};

class FieldSection {
 public:
  // `input[begin, end)` is one line without its CRLF, not empty. Null, or why it is not acceptable.
  // At most `max_lines` of them.
  const http::Rejection* add_line(std::string_view input, size_t begin, size_t end,
                                  size_t max_lines);
  // The fields as views into `input`; valid until the next reset() or until the input moves.
  std::span<http::Field> finish(std::string_view input);
  void reset() { lines_.clear(); }

 private:
  struct Line {
    uint32_t name, name_size, value, value_size;
    http::FieldName id;
  };
  std::vector<Line> lines_;
  std::vector<http::Field> fields_;
};

// The tokens of all Connection fields (RFC 9110 7.6.1).
class ConnectionOptions {
 public:
  // Adds one Connection field's list. False when it is malformed or nominates too many names.
  bool add(std::string_view list);
  bool close() const { return close_; }
  bool keep_alive() const { return keep_alive_; }
  bool upgrade() const { return upgrade_; }
  // What else was nominated: field names of this hop only.
  std::span<const std::string_view> nominated() const { return {names_, count_}; }

 private:
  std::string_view names_[limits::kMaxNominated];
  size_t count_ = 0;
  bool close_ = false, keep_alive_ = false, upgrade_ = false;
};

// True for fields that a Connection field must not nominate: dropping one would change what the
// message means to the next server.
bool is_end_to_end(http::FieldName id);

}  // namespace dmpm::http1
