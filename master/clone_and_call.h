// clone3(2) for a child that runs one function and never returns from it: the one system call with
// which a process can be born into a cgroup.
#pragma once

#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

// For what runs on the child's stack, which the sanitizers do not know.
#define DMPM_NOT_INSTRUMENTED __attribute__((no_sanitize("address", "undefined")))

namespace dmpm::master {

// `how` has CLONE_VM, CLONE_VFORK and a stack that ends at a multiple of 16. The number of the child,
// or the negative errno. The child calls function(argument), which does not return.
inline long clone_and_call(clone_args& how, int (*function)(void*), void* argument) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %[argument], %%rdi\n\t"
      "call *%[function]\n\t"
      "ud2\n"
      "1:"
      : "+a"(result)
      : "D"(&how), "S"(sizeof how), [function] "r"(function), [argument] "r"(argument)
      : "rcx", "r11", "memory", "cc");
  return result;
#else
  // Costs a copy of the master's page tables.
  how.flags &= ~static_cast<uint64_t>(CLONE_VM);
  how.stack = how.stack_size = 0;
  const long result = ::syscall(SYS_clone3, &how, sizeof how);
  if (result == 0) function(argument);
  return result < 0 ? -errno : result;
#endif
}

}  // namespace dmpm::master
