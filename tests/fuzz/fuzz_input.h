// How the fuzz targets take their inputs apart, and how they say what is wrong.
//
//   parsers:   options (1)  count (1, mod 8)  count split points (2 each, little-endian)  bytes
//   sessions:  operation (1)  size (2, little-endian)  bytes, again and again
//
// Sizes that reach beyond the input are cut, so that every input means something.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dmpm::fuzz {

class Reader {
 public:
  Reader(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  unsigned byte();  // 0 at the end
  unsigned number();
  std::string_view bytes(size_t size);
  std::string_view rest() { return bytes(rest_.size()); }

 private:
  std::string_view rest_;
};

// The input of a parser's target.
struct ParserInput {
  ParserInput(const uint8_t* data, size_t size);
  unsigned options;
  std::string_view bytes;
  // Where the input is cut: ascending, each below bytes.size(), without the end.
  std::vector<size_t> splits;
};

// One step of a session's target.
struct Operation {
  explicit Operation(Reader& reader);
  unsigned code;
  std::string_view bytes;
};

// Ends the process: a property does not hold. `a` and `b` are what should be the same.
[[noreturn]] void fail(std::string_view property, std::string_view a, std::string_view b);
inline void require_equal(std::string_view property, std::string_view a, std::string_view b) {
  if (a != b) fail(property, a, b);
}

}  // namespace dmpm::fuzz
