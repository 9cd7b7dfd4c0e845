#include "base/landlock.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd.h"
#include "base/text.h"

namespace dmpm::lockdown {

namespace {

// The same numbers on every architecture.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr unsigned kAskForVersion = 1;
constexpr int kPathBeneath = 1;

// struct landlock_ruleset_attr; what an older kernel does not know must be 0.
struct Handled {
  uint64_t files;
  uint64_t network;
  uint64_t scopes;
};

// struct landlock_path_beneath_attr.
struct [[gnu::packed]] PathBeneath {
  uint64_t access;
  int32_t directory;
};

constexpr uint64_t lowest(unsigned bits) {
  return (uint64_t{1} << bits) - 1;
}

// [version]: all that it knows. Files: 2 adds linking and renaming between directories, 3
// truncation, 5 ioctl on devices. Network: 4, binding and connecting TCP. Scopes: 6, abstract
// sockets and signals. A later version is used as the last one here.
constexpr std::array<Handled, 7> kKnown = {{{0, 0, 0},
                                            {lowest(13), 0, 0},
                                            {lowest(14), 0, 0},
                                            {lowest(15), 0, 0},
                                            {lowest(15), lowest(2), 0},
                                            {lowest(16), lowest(2), 0},
                                            {lowest(16), lowest(2), lowest(2)}}};

Status allow(int ruleset, const Beneath& beneath, uint64_t known) {
  const Fd directory(::open(beneath.directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Error::from_errno(concat({"open ", beneath.directory}), errno);
  const PathBeneath rule{beneath.access & known, directory.get()};
  if (::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0) != 0) {
    return Error::from_errno(concat({"landlock_add_rule ", beneath.directory}), errno);
  }
  return {};
}

}  // namespace

int landlock_version() {
  const long version = ::syscall(kCreateRuleset, nullptr, 0, kAskForVersion);
  return version < 0 ? 0 : static_cast<int>(version);
}

Status landlock_all_but(std::span<const Beneath> allowed) {
  const auto version = static_cast<size_t>(landlock_version());
  if (version == 0) return {};
  const Handled handled = kKnown[std::min(version, kKnown.size() - 1)];
  const Fd ruleset(static_cast<int>(::syscall(kCreateRuleset, &handled, sizeof handled, 0)));
  if (!ruleset) return Error::from_errno("landlock_create_ruleset", errno);
  for (const Beneath& beneath : allowed) {
    if (Status status = allow(ruleset.get(), beneath, handled.files); !status.ok()) return status;
  }
  if (::syscall(kRestrictSelf, ruleset.get(), 0) != 0) {
    return Error::from_errno("landlock_restrict_self", errno);
  }
  return {};
}

}  // namespace dmpm::lockdown
