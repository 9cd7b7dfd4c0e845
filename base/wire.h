// The encoding of variable-length messages between processes of this machine: little words.
//
//   u32, u64   host byte order (both ends are one build on one machine)
//   string     u32 length, then the bytes
//
// A reader never trusts a length: past the end it yields zeros and ok() turns false.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace dmpm {

class WireWriter {
 public:
  WireWriter& u32(uint32_t value) { return raw(&value, sizeof value); }
  WireWriter& u64(uint64_t value) { return raw(&value, sizeof value); }
  WireWriter& string(std::string_view text) {
    u32(static_cast<uint32_t>(text.size()));
    return raw(text.data(), text.size());
  }
  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  WireWriter& raw(const void* data, size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    return *this;
  }
  std::string bytes_;
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}
  uint32_t u32() { return number<uint32_t>(); }
  uint64_t u64() { return number<uint64_t>(); }
  // Points into the bytes given to the constructor.
  std::string_view string() {
    const size_t size = u32();
    if (size > rest_.size()) return fail(), std::string_view();
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  // Everything was there and nothing is left over.
  bool complete() const { return ok_ && at_end(); }

 private:
  template <typename Number>
  Number number() {
    Number value = 0;
    if (rest_.size() < sizeof value) return fail(), value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace dmpm
