#include "tests/fuzz/fuzz_input.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"

namespace dmpm::fuzz {

unsigned Reader::byte() {
  const std::string_view one = bytes(1);
  return one.empty() ? 0 : static_cast<unsigned char>(one[0]);
}

unsigned Reader::number() {
  const unsigned low = byte();
  return low | byte() << 8;
}

std::string_view Reader::bytes(size_t size) {
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(taken.size());
  return taken;
}

ParserInput::ParserInput(const uint8_t* data, size_t size) {
  Reader reader(data, size);
  options = reader.byte();
  splits.resize(reader.byte() % 8);
  for (size_t& split : splits) split = reader.number();
  bytes = reader.rest();
  std::sort(splits.begin(), splits.end());
  std::erase_if(splits, [this](size_t split) { return split >= bytes.size(); });
}

Operation::Operation(Reader& reader) : code(reader.byte()) {
  bytes = reader.bytes(reader.number());
}

void fail(std::string_view property, std::string_view a, std::string_view b) {
  std::string text = concat({"property: ", property, "\n  one:   "});
  append_escaped(text, a);
  text += "\n  other: ";
  append_escaped(text, b);
  std::fprintf(stderr, "%s\n", text.c_str());
  std::abort();
}

}  // namespace dmpm::fuzz
