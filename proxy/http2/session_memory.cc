#include "proxy/http2/session_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace dmpm::http2 {

namespace {

size_t whole_pages(size_t size) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

bool is_zero(const char* bytes, size_t size) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0;
}

SessionMemory& memory(void* self) {
  return *static_cast<SessionMemory*>(self);
}

}  // namespace

// ---- SessionSlots ----

SessionSlots::SessionSlots() : table_size_(whole_pages(kTable)), frame_size_(whole_pages(kFrame)) {}

char* SessionSlots::take() {
  if (free_.empty()) {
    const size_t slot = table_size_ + frame_size_;
    void* mapped =
        ::mmap(nullptr, kMapped * slot, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    // A huge page would be in memory for one byte of it.
    ::madvise(mapped, kMapped * slot, MADV_NOHUGEPAGE);
    for (size_t i = kMapped; i > 0; --i) {
      free_.push_back(static_cast<char*>(mapped) + (i - 1) * slot);
    }
  }
  char* slot = free_.back();
  free_.pop_back();
  return slot;
}

void SessionSlots::give_back(char* slot) {
  if (free_.size() >= kWarm) ::madvise(slot, table_size_ + frame_size_, MADV_DONTNEED);
  free_.push_back(slot);
}

// ---- SessionMemory ----

SessionMemory::SessionMemory(SessionSlots& slots)
    : slots_(slots),
      table_(slots.take()),
      frame_(table_ != nullptr ? table_ + slots.table_size() : nullptr) {}

SessionMemory::~SessionMemory() {
  if (table_ != nullptr) slots_.give_back(table_);
}

nghttp2_mem SessionMemory::functions() {
  return {this, on_malloc, on_free, on_calloc, on_realloc};
}

void SessionMemory::give_back_pages() {
  if (table_ == nullptr) return;
  char* const end = frame_ + slots_.frame_size();
  char* const first = is_zero(table_, slots_.table_size()) ? table_ : frame_;
  ::madvise(first, static_cast<size_t>(end - first), MADV_DONTNEED);
}

void* SessionMemory::on_malloc(size_t size, void* self) {
  void* part = memory(self).part_for(size);
  return part != nullptr ? part : std::malloc(size);
}

void* SessionMemory::on_calloc(size_t count, size_t size, void* self) {
  const bool fits = count > 0 && size <= SessionSlots::kFrame / count;
  void* part = fits ? memory(self).part_for(count * size) : nullptr;
  if (part == nullptr) return std::calloc(count, size);
  return std::memset(part, 0, count * size);  // somebody else may have had it
}

void* SessionMemory::on_realloc(void* block, size_t size, void* self) {
  if (block == nullptr) return on_malloc(size, self);  // how the frame's buffer comes about
  if (!memory(self).is_part(block)) return std::realloc(block, size);
  const size_t room = block == memory(self).table_ ? SessionSlots::kTable : SessionSlots::kFrame;
  if (size <= room) return block;
  void* moved = std::malloc(size);
  if (moved != nullptr) std::memcpy(moved, block, room);
  return moved;
}

void SessionMemory::on_free(void* block, void* self) {
  if (!memory(self).is_part(block)) std::free(block);
}

}  // namespace dmpm::http2
