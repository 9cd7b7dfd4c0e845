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
  // It never moves, and what was not asked for yet costs no memory.
  BodyPattern() { bytes_.reserve(kLargestBody); }

  // The first `size` bytes are there from now on (size <= kLargestBody).
  void fill(size_t size) {
    while (bytes_.size() < size) {  // xorshift32: no period that a lost or repeated block would fit
      state_ ^= state_ << 13;
      state_ ^= state_ >> 17;
      state_ ^= state_ << 5;
      bytes_.push_back(static_cast<char>(state_));
    }
  }
  // Of what is there.
  std::string_view first(size_t size) const { return std::string_view(bytes_).substr(0, size); }
  // Whether `piece` is what stands at `offset`.
  bool has(std::string_view piece, size_t offset) const {
    return offset + piece.size() <= bytes_.size() &&
           std::string_view(bytes_).substr(offset, piece.size()) == piece;
  }

 private:
  std::string bytes_;
  uint32_t state_ = 2463534242;
};

}  // namespace dmpm::bench
