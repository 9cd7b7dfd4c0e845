// Mapping: a segment (segment.h) in this process's memory.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <memory>
#include <type_traits>

#include "base/result.h"

namespace dmpm::metrics {

// `Segment` is const where the descriptor can only be read.
template <typename Segment>
class Mapping {
 public:
  Mapping() = default;  // of nothing
  // Of a memory file that is at least as large. The descriptor is not needed any more then.
  static Result<Mapping> of(int fd) {
    constexpr int kAccess = std::is_const_v<Segment> ? PROT_READ : PROT_READ | PROT_WRITE;
    return make(kAccess, MAP_SHARED, fd);
  }
  // Of nobody else's, zero: for tests.
  static Result<Mapping> alone() {
    return make(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  }
  Segment& operator*() const { return *memory_; }
  Segment* operator->() const { return memory_.get(); }

 private:
  struct Unmap {
    void operator()(Segment* memory) const {
      ::munmap(const_cast<void*>(static_cast<const void*>(memory)), sizeof(Segment));
    }
  };
  explicit Mapping(Segment* memory) : memory_(memory) {}
  static Result<Mapping> make(int access, int flags, int fd) {
    void* memory = ::mmap(nullptr, sizeof(Segment), access, flags, fd, 0);
    if (memory == MAP_FAILED) return Error::from_errno("cannot map the memory of counters", errno);
    return Mapping(static_cast<Segment*>(memory));
  }
  std::unique_ptr<Segment, Unmap> memory_;
};

}  // namespace dmpm::metrics
