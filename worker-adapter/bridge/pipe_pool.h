// Pipes that carry what splice() moves. A direction has one only while bytes are in it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "base/fd.h"
#include "worker-adapter/bridge/limits.h"

namespace dmpm::adapter {

struct Pipe {
  Fd out, in;  // read from `out` what was written to `in`
};

class PipePool {
 public:
  // Nothing when no descriptors are left.
  std::optional<Pipe> take() {
    if (!idle_.empty()) {
      Pipe pipe = std::move(idle_.back());
      idle_.pop_back();
      return pipe;
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return std::nullopt;
    return Pipe{Fd(ends[0]), Fd(ends[1])};
  }
  // Only an empty one.
  void give_back(Pipe pipe) {
    if (idle_.size() < kMostIdlePipes) idle_.push_back(std::move(pipe));
  }

 private:
  std::vector<Pipe> idle_;
};

}  // namespace dmpm::adapter
