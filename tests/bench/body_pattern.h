// BodyPattern: the bytes of every body of the comparison. The backend sends its beginning, a load
// generator knows it too, so that each answer is compared byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dmpm::bench {

inline constexpr size_t kLargestBody = size_t{10} << 20;

class BodyPattern {
 public:
  BodyPattern() {
    bytes_.reserve(kLargestBody);
    uint32_t state = 2463534242;  // xorshift32: no period that a lost or repeated block would fit
    while (bytes_.size() < kLargestBody) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      bytes_.push_back(static_cast<char>(state));
    }
  }

  std::string_view first(size_t size) const { return std::string_view(bytes_).substr(0, size); }
  // Whether `piece` is what stands at `offset`.
  bool has(std::string_view piece, size_t offset) const {
    return offset + piece.size() <= bytes_.size() &&
           std::string_view(bytes_).substr(offset, piece.size()) == piece;
  }

 private:
  std::string bytes_;
};

}  // namespace dmpm::bench
