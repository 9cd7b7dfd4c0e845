// The terminal that an operator sits at.
#pragma once

#include <signal.h>
#include <termios.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/fd.h"

namespace dmpm::cli {

// Standard output is one that shows colours, and nobody said NO_COLOR (no-color.org).
bool wants_colours();

// Takes the whole screen, without echo, as long as it lives, and gives it back as it was, also when
// the process is told to end (which key() then says).
class Screen {
 public:
  // False: standard input or output is no terminal.
  static bool available();
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  size_t rows() const;
  // In the place of all that was there; what is beyond the screen is cut off.
  void show(const std::vector<std::string>& lines) const;

  enum class Key { none, other, end, next, up, down, page_up, page_down, home };
  // What was pressed, waiting at most so long. A signal to end is the key `end`; another size of the
  // screen is `other`.
  Key key(int milliseconds) const;

 private:
  Key read_key() const;

  Fd signals_;
  termios before_{};
  sigset_t mask_before_{};
};

}  // namespace dmpm::cli
