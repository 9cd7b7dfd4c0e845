#include "base/seccomp.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "base/text.h"

namespace dmpm::lockdown {

namespace {

// What AddressSanitizer and UndefinedBehaviorSanitizer do at an error, so that a report is written
// before the end: memory and pipes, and for files a refusal instead of death. Reports are
// without the names of modules (/proc/self/maps), as in any process whose root directory is empty.
CallTable sanitizer_calls() {
#ifndef DMPM_SANITIZED
  return {};
#else
  return {
      {SCMP_SYS(mprotect), "guards around their memory", {lacks(2, PROT_EXEC)}},
      {SCMP_SYS(sigaltstack), "their signal handlers"},
      {SCMP_SYS(gettid), "the report's heading"},
      {SCMP_SYS(sched_yield), "their locks"},
      {SCMP_SYS(prlimit64), "asking for the stack's size", {is(0, 0), is_null(2)}},
      {SCMP_SYS(pipe), "memory can be read if it can be written into a pipe"},
      {SCMP_SYS(pipe2), "the same"},
      {SCMP_SYS(write), "the same"},
      {SCMP_SYS(open), "symbols", {}, EACCES},
      {SCMP_SYS(openat), "symbols, maps", {}, EACCES},
      {SCMP_SYS(stat), "symbols", {}, EACCES},
      {SCMP_SYS(newfstatat), "symbols", {}, EACCES},
      {SCMP_SYS(fstat), "symbols", {}, EACCES},
      {SCMP_SYS(readlink), "the program's name", {}, EACCES},
      {SCMP_SYS(access), "symbolizers", {}, EACCES},
      {SCMP_SYS(ioctl), "is standard error a terminal", {}, ENOTTY},
      {SCMP_SYS(prctl), "permission to be traced", {}, EPERM},
      {SCMP_SYS(clone), "the leak checker's thread", {}, EPERM},
      {SCMP_SYS(sched_getaffinity), "the number of processors", {}, EPERM},
  };
#endif
}

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

// libseccomp's functions return -errno.
Status outcome(int result, std::string_view what) {
  if (result < 0) return Error::from_errno(concat({"seccomp: ", what}), -result);
  return {};
}

Status add(void* filter, const CallRule& rule) {
  std::array<scmp_arg_cmp, std::tuple_size_v<decltype(rule.checks)>> checks{};
  unsigned count = 0;
  for (const ArgumentCheck& check : rule.checks) {
    if (check.mask == 0) continue;
    checks[count++] = {check.argument, SCMP_CMP_MASKED_EQ, check.mask, check.value};
  }
  const uint32_t action = rule.refuse_with == 0
                              ? SCMP_ACT_ALLOW
                              : SCMP_ACT_ERRNO(static_cast<uint32_t>(rule.refuse_with));
  return outcome(::seccomp_rule_add_array(filter, action, rule.call, count, checks.data()),
                 rule.reason);
}

// Of another architecture (32-bit and x32 calls included): the end as well. The filter as a binary
// tree: a call with checks passes few instructions. The mitigations that kernels before 5.16 turn on
// with a filter stay on (SCMP_FLTATR_CTL_SSB off, its default): customers' code runs on the same
// processors, and later kernels leave them off by themselves.
Status configure(void* filter) {
  Status status;
  if (!(status = outcome(::seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
                         "foreign architectures"))
           .ok()) {
    return status;
  }
  return outcome(::seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "binary tree");
}

// Or the C library would look for the time zone's file at each strftime(), and be killed for it.
Status use_universal_time() {
  if (::setenv("TZ", "UTC0", 1) != 0) return Error::from_errno("setenv TZ", errno);
  ::tzset();
  return {};
}

bool mentions(const std::vector<CallTable>& tables, int call) {
  return std::ranges::any_of(tables, [call](const CallTable& table) {
    return std::ranges::find(table, call, &CallRule::call) != table.end();
  });
}

}  // namespace

CallTable process_calls() {
  const auto self = static_cast<uint32_t>(::getpid());
  return {
      // memory
      {SCMP_SYS(brk), "malloc"},
      {SCMP_SYS(mmap), "malloc: of no file", {lacks(2, PROT_EXEC), has(3, MAP_ANONYMOUS)}},
      {SCMP_SYS(munmap), "malloc"},
      {SCMP_SYS(mremap), "realloc"},
      {SCMP_SYS(madvise), "malloc_trim; the pages of HTTP/2 connections that rest"},
      {SCMP_SYS(sysinfo), "the C library's qsort asks how much memory there is"},
      // time: mostly without a call, but not with every clock source
      {SCMP_SYS(clock_gettime), "std::chrono, libevent"},
      {SCMP_SYS(clock_getres), "std::chrono, libevent"},
      {SCMP_SYS(gettimeofday), "OpenSSL, libevent"},
      {SCMP_SYS(time), "time()"},
      // waiting
      {SCMP_SYS(epoll_wait), "libevent"},
      {SCMP_SYS(epoll_pwait), "libevent, where there is no epoll_wait"},
      {SCMP_SYS(epoll_ctl), "libevent"},
      {SCMP_SYS(close), "descriptors"},
      {SCMP_SYS(futex), "locks of libraries: nobody else is there to hold one"},
      {SCMP_SYS(restart_syscall), "the kernel, after SIGSTOP and SIGCONT"},
      // random numbers
      {SCMP_SYS(getrandom), "OpenSSL, arc4random of libevent"},
      {SCMP_SYS(getpid), "OpenSSL's generator looks whether it was forked; abort"},
      // the end
      {SCMP_SYS(exit_group), "exit, _exit"},
      {SCMP_SYS(exit), "_exit"},
      {SCMP_SYS(rt_sigreturn), "signal handlers"},
      {SCMP_SYS(rt_sigprocmask), "abort; OpenSSL's jobs change their stack"},
      {SCMP_SYS(rt_sigaction), "abort"},
      {SCMP_SYS(gettid), "abort"},
      {SCMP_SYS(tgkill), "abort", {is(0, self), is(2, SIGABRT)}},
      {SCMP_SYS(write), "last words", {is(0, STDERR_FILENO)}},
      {SCMP_SYS(writev), "last words", {is(0, STDERR_FILENO)}},
  };
}

Status only_calls(const std::vector<CallTable>& tables) {
  const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (filter == nullptr) return Error{"seccomp: no filter can be made"};
  Status status = use_universal_time();
  if (status.ok()) status = configure(filter.get());
  for (const CallTable& table : tables) {
    for (const CallRule& rule : table) {
      if (status.ok()) status = add(filter.get(), rule);
    }
  }
  for (const CallRule& rule : sanitizer_calls()) {
    const bool refuses_what_is_allowed = rule.refuse_with != 0 && mentions(tables, rule.call);
    if (status.ok() && !refuses_what_is_allowed) status = add(filter.get(), rule);
  }
  return status.ok() ? outcome(::seccomp_load(filter.get()), "loading the filter") : status;
}

}  // namespace dmpm::lockdown
