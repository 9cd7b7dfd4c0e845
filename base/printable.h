// Makes foreign text safe to stand in a log file that people read in a terminal.
#pragma once

#include <string>
#include <string_view>

namespace dmpm {

// Appends `text` with everything that is neither a tab nor printable UTF-8 as \xHH: control bytes
// (C0, DEL and C1), malformed sequences, and the characters that separate lines or turn the
// direction of text. So no line can be forged and no terminal be steered. A backslash stays as it
// is: it can do neither, and paths stay readable.
void append_printable(std::string& out, std::string_view text);

// The size of the printable character at the start of `text` (not empty); 0 when there is none.
size_t printable_size(std::string_view text);

}  // namespace dmpm
