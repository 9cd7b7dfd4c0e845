#include "cli/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/fd.h"
#include "base/text.h"
#include "metrics/mapping.h"
#include "metrics/segment.h"

namespace dmpm::cli {
namespace {

using Segment = metrics::Mapping<const metrics::DispatcherSegment>;

// The memory files are among the first that the master opens.
constexpr int kLastLooked = 512;

// The counters of a dispatcher, where the master has them at that descriptor; nothing where it has
// something else.
Fd open_counters(const std::string& path) {
  char target[64];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  const std::string_view name(target, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  if (!name.starts_with("/memfd:dmpm-metrics")) return {};
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  const bool whole = fd && ::fstat(fd.get(), &status) == 0 &&
                     status.st_size == static_cast<off_t>(sizeof(metrics::DispatcherSegment));
  return whole ? std::move(fd) : Fd();
}

void add(const metrics::DispatcherSegment& segment,
         const std::unordered_map<uint64_t, Status::Group*>& groups) {
  const auto& table = segment.groups;
  const uint64_t used = std::min<uint64_t>(table.used.look(), table.kRows - 1);
  for (uint64_t row = 1; row <= used; ++row) {
    const auto found = groups.find(table.rows[row].key.get());
    if (found == groups.end()) continue;
    found->second->in_flight += table.rows[row].in_flight.get();
    found->second->queued += table.rows[row].waiting.get();
  }
}

}  // namespace

void add_load(Status& status) {
  std::unordered_map<uint64_t, Status::Group*> groups;
  for (Status::Group& group : status.groups) groups.emplace(metrics::key_of(group.name), &group);
  const std::string descriptors = concat({"/proc/", std::to_string(status.pid), "/fd/"});
  uint32_t found = 0;
  for (int fd = 3; fd < kLastLooked && found < metrics::kMostDispatchers; ++fd) {
    const Fd counters = open_counters(descriptors + std::to_string(fd));
    if (!counters) continue;
    ++found;
    if (auto segment = Segment::of(counters.get())) add(**segment, groups);
  }
}

}  // namespace dmpm::cli
