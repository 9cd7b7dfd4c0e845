// The kernel's large and rarely used parts, where its own mistakes are found, and the machine.
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "tests/red-team/attack.h"

namespace dmpm::red_team {

namespace {

bool set_up_io_uring(const Targets&) {
  char parameters[256] = {};
  return ::syscall(SYS_io_uring_setup, 1, parameters) >= 0;
}
bool make_bpf_map(const Targets&) {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_HASH;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  return ::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) >= 0;
}
bool watch_kernel(const Targets&) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
  return ::syscall(SYS_perf_event_open, &attributes, -1, 0, -1, 0) >= 0;
}
bool handle_page_faults(const Targets&) {
  return ::syscall(SYS_userfaultfd, 0) >= 0;
}
bool add_key(const Targets&) {
  return ::syscall(SYS_add_key, "user", "dmpm-red-team", "x", 1, -1) >= 0;
}
// No module: the loader says so to whom it listens.
bool load_module(const Targets&) {
  static char nothing[64];
  return ::syscall(SYS_init_module, nothing, sizeof nothing, "") == 0 || errno == ENOEXEC;
}
bool load_kernel(const Targets&) {
  return ::syscall(SYS_kexec_load, 0, 0, nullptr, 0) == 0;
}
bool set_time_zone(const Targets&) {
  const struct timezone utc {};
  return ::syscall(SYS_settimeofday, nullptr, &utc) == 0;
}
bool set_host_name(const Targets&) {
  utsname now{};
  return ::uname(&now) == 0 && ::sethostname(now.nodename, std::strlen(now.nodename)) == 0;
}
bool read_kernel_log(const Targets&) {
  char text[16];
  return ::klogctl(3 /* read all */, text, sizeof text) >= 0;
}
bool use_ports(const Targets&) {
#ifdef __x86_64__
  return ::iopl(3) == 0;
#else
  errno = ENOSYS;
  return false;
#endif
}
bool make_semaphore(const Targets&) {
  return ::semget(IPC_PRIVATE, 1, 0600) >= 0;
}
bool make_timer(const Targets&) {
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  timer_t timer;
  return ::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}
bool filter_again(const Targets&) {
  // Asks only whether it could.
  const unsigned action = 0x7fff0000;  // SECCOMP_RET_ALLOW
  return ::syscall(SYS_seccomp, 2 /* SECCOMP_GET_ACTION_AVAIL */, 0, &action) == 0;
}
// The 32-bit calls have other numbers; 20 is getpid() there and writev() here.
bool call_as_32_bit(const Targets&) {
#ifdef __x86_64__
  long result = 20;
  asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return result > 0;
#else
  errno = ENOSYS;
  return false;
#endif
}
// x32's number of getpid(), which is allowed as a call of this architecture.
bool call_as_x32(const Targets&) {
  return ::syscall(0x40000000 | SYS_getpid) > 0;
}
bool call_unknown(const Targets&) {
  return ::syscall(5000) >= 0 || errno == ENOSYS;
}

constexpr Attack kAttacks[] = {
    {"set up io_uring", set_up_io_uring},
    {"make a BPF map", make_bpf_map},
    {"watch the kernel by perf", watch_kernel},
    {"handle page faults", handle_page_faults},
    {"add a key to a keyring", add_key},
    {"load a kernel module", load_module},
    {"load another kernel", load_kernel},
    {"set the time zone", set_time_zone},
    {"set the host name", set_host_name},
    {"read the kernel's log", read_kernel_log},
    {"use I/O ports", use_ports},
    {"make a semaphore", make_semaphore},
    {"make a timer", make_timer},
    {"ask about filters", filter_again},
    {"make a 32-bit call", call_as_32_bit},
    {"make an x32 call", call_as_x32},
    {"make a call that does not exist", call_unknown},
};

}  // namespace

std::span<const Attack> attacks_on_the_kernel() {
  return kAttacks;
}

}  // namespace dmpm::red_team
