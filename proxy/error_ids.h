// ErrorIds: short names for failures, by which a user's report is found in the log. Not guessable
// from one another and unique for a dispatcher's life for all that matters (60 bits).
#pragma once

#include <cstdint>
#include <string>

namespace dmpm {

class ErrorIds {
 public:
  explicit ErrorIds(uint64_t seed) : state_(seed) {}

  // 12 characters of Crockford's base 32: no letters that are mistaken for digits.
  std::string next() {
    static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    // SplitMix64: every state is visited once before any comes again.
    uint64_t bits = state_ += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    bits ^= bits >> 31;
    std::string id;
    for (int i = 0; i < 12; ++i, bits >>= 5) id += kAlphabet[bits & 31];
    return id;
  }

 private:
  uint64_t state_;
};

}  // namespace dmpm
