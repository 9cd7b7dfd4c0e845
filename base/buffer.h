// Buffer: a first-in first-out queue of bytes in one contiguous block.
//
// An empty Buffer owns no memory, so that an idle connection costs none. Callers keep its size
// below a stated cap; the Buffer itself has none.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace dmpm {

class Buffer {
 public:
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  // Valid until the next call that is not const.
  std::string_view view() const { return {block_.get() + begin_, size()}; }

  void append(std::string_view bytes);
  // At least `size` writable bytes behind the content; commit() says how many were written.
  std::span<char> prepare(size_t size);
  void commit(size_t size) { end_ += size; }

  // Drops the first `size` bytes (size <= this->size()); an emptied Buffer frees its block.
  void consume(size_t size);
  void clear();

 private:
  std::unique_ptr<char[]> block_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace dmpm
