// LineSplitter: bytes as they come from a pipe -> lines.
//
// Keeps what is not a whole line yet, at most kMaxLine bytes; a longer line comes in pieces.
// Nothing is kept of lines that are complete.
#pragma once

#include <string_view>

#include "base/buffer.h"

namespace dmpm {

class LineSink {
 public:
  // Without its newline, at most kMaxLine bytes, valid during the call. `continued`: a further
  // piece of a line that was too long.
  virtual void on_line(std::string_view line, bool continued) = 0;

 protected:
  ~LineSink() = default;
};

class LineSplitter {
 public:
  explicit LineSplitter(LineSink& sink) : sink_(sink) {}

  void feed(std::string_view bytes);
  // Nothing more comes: what is left counts as a line.
  void finish();

 private:
  // Adds `part` (no newline in it) to the line; gives pieces away as it gets too long.
  void keep(std::string_view part);

  LineSink& sink_;
  Buffer partial_;
  bool continued_ = false;
};

}  // namespace dmpm
