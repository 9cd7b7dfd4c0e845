// The system calls that a process may make, as a table; any other ends it at once (SIGSYS, and a
// line "type=1326 ... syscall=N" in the kernel's log). The last of a process's lock-down.
//
// A table's line is a call, who needs it, and what its arguments must be. Keep what every request
// does free of argument checks where that is safe: the kernel (since 5.11) then does not even run
// the filter for it.
//
// Apart from base/lockdown.h because only this needs libseccomp.
#pragma once

#include <seccomp.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dmpm::lockdown {

// The argument's bits in `mask` are as in `value`. What a pointer points to cannot be checked.
struct ArgumentCheck {
  unsigned argument = 0;
  uint64_t mask = 0;  // 0: no check
  uint64_t value = 0;
};

// The kernel takes most arguments as int, so only the low half counts.
constexpr ArgumentCheck is(unsigned argument, uint32_t value) {
  return {argument, UINT32_MAX, value};
}
constexpr ArgumentCheck is_null(unsigned argument) {
  return {argument, UINT64_MAX, 0};
}
constexpr ArgumentCheck has(unsigned argument, uint64_t bits) {
  return {argument, bits, bits};
}
constexpr ArgumentCheck lacks(unsigned argument, uint64_t bits) {
  return {argument, bits, 0};
}

struct CallRule {
  int call = 0;             // SCMP_SYS(name); one that this architecture lacks does no harm
  std::string_view reason;  // who needs it, for what
  std::array<ArgumentCheck, 3> checks = {};  // all of them must hold; one an argument
  int refuse_with = 0;                       // an errno: answered with that, and lived on
};

using CallTable = std::vector<CallRule>;

// What the C and C++ libraries and libevent's loop do by themselves in any process: memory that is
// never executable, clocks, random numbers, waiting, an orderly end and abort(). Belongs to the
// calling process: abort() may signal it and no other. No file, no socket, no descriptor but
// standard error.
CallTable process_calls();

// From here on this process may make only the calls of these tables (and, in a sanitized build, what
// the sanitizers' reports need: no file either). Its time zone is UTC. Needs no_new_privileges(), and
// no other thread.
Status only_calls(const std::vector<CallTable>& tables);

}  // namespace dmpm::lockdown
