#include "master/metrics_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/text.h"
#include "metrics/segment.h"

namespace dmpm::master {

namespace {

static_assert(metrics::kMostDispatchers == kMaxDispatchers);

// Its size is sealed: whoever has it mapped cannot lose a page of it. Who inherits it to read cannot
// open it once more to write, being another user.
Result<Fd> make_memory(size_t size) {
  Fd fd(::memfd_create("dmpm-metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::fchmod(fd.get(), 0600) != 0 ||
      ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return Error::from_errno("cannot make memory for counters", errno);
  }
  return fd;
}

}  // namespace

Result<MetricsMemory> make_metrics_memory() {
  MetricsMemory memory;
  auto own = make_memory(sizeof(metrics::MasterSegment));
  if (!own) return own.error();
  memory.master = std::move(*own);
  for (Fd& dispatcher : memory.dispatchers) {
    auto made = make_memory(sizeof(metrics::DispatcherSegment));
    if (!made) return made.error();
    dispatcher = std::move(*made);
  }
  return memory;
}

Result<Fd> read_only(const Fd& memory) {
  const std::string path = concat({"/proc/self/fd/", std::to_string(memory.get())});
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Error::from_errno("cannot open counters to read", errno);
  return fd;
}

}  // namespace dmpm::master
