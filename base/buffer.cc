#include "base/buffer.h"

#include <algorithm>
#include <cstring>

namespace dmpm {

namespace {
constexpr size_t kSmallestBlock = 512;
}

void Buffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

std::span<char> Buffer::prepare(size_t wanted) {
  if (capacity_ - end_ < wanted) {
    const size_t used = size();
    // Moving is cheap only while little is kept: so reuse the block when half of it has gone.
    if (wanted <= capacity_ - used && begin_ >= capacity_ / 2) {
      std::memmove(block_.get(), block_.get() + begin_, used);
    } else {
      const size_t capacity = std::max({kSmallestBlock, capacity_ * 2, used + wanted});
      // No value-initialisation: the bytes are about to be written.
      std::unique_ptr<char[]> block(new char[capacity]);
      if (used > 0) std::memcpy(block.get(), block_.get() + begin_, used);
      block_ = std::move(block);
      capacity_ = capacity;
    }
    begin_ = 0;
    end_ = used;
  }
  return {block_.get() + end_, capacity_ - end_};
}

void Buffer::consume(size_t size) {
  begin_ += size;
  if (begin_ == end_) clear();
}

void Buffer::clear() {
  block_.reset();
  capacity_ = begin_ = end_ = 0;
}

}  // namespace dmpm
