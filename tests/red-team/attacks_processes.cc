// Other processes, new ones, and executable memory.
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "tests/red-team/attack.h"

namespace dmpm::red_team {

namespace {

bool execute(const Targets&) {
  ::execl("/bin/true", "true", nullptr);
  return false;
}
bool execute_descriptor(const Targets&) {
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  const int program = ::open("/bin/true", O_RDONLY);
  ::syscall(SYS_execveat, program < 0 ? 0 : program, "", arguments, environ, AT_EMPTY_PATH);
  return false;
}
bool end_of_child(pid_t child) {
  if (child == 0) ::_exit(0);
  return child > 0;
}
bool fork_child(const Targets&) {
  return end_of_child(::fork());
}
bool fork_by_call(const Targets&) {
  return end_of_child(static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
}
bool fork_by_clone3(const Targets&) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  return end_of_child(static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments)));
}
bool start_thread(const Targets&) {
  pthread_t thread;
  errno = ::pthread_create(
      &thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr);
  return errno == 0;
}

bool trace(const Targets& targets, const char* whom) {
  const int pid = number(targets, whom);
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) return false;
  ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return true;
}
bool trace_master(const Targets& targets) {
  return trace(targets, "master");
}
bool trace_other(const Targets& targets) {
  return trace(targets, "other");
}
bool be_traced(const Targets&) {
  return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0;
}

// Where the program of `pid` lies cannot be known to an attacker without /proc; that the call is
// looked at at all is enough: any address gives EFAULT.
bool access_memory(const Targets& targets, const char* whom, long call) {
  char byte = 0;
  iovec mine{&byte, 1}, theirs{reinterpret_cast<void*>(16), 1};
  const long result = ::syscall(call, number(targets, whom), &mine, 1, &theirs, 1, 0);
  return result == 1 || (result < 0 && errno == EFAULT);
}
bool read_master(const Targets& targets) {
  return access_memory(targets, "master", SYS_process_vm_readv);
}
bool write_master(const Targets& targets) {
  return access_memory(targets, "master", SYS_process_vm_writev);
}
bool read_other(const Targets& targets) {
  return access_memory(targets, "other", SYS_process_vm_readv);
}

bool signal_master(const Targets& targets) {
  return ::kill(number(targets, "master"), SIGCONT) == 0;
}
bool signal_other(const Targets& targets) {
  return ::kill(number(targets, "other"), SIGCONT) == 0;
}
bool signal_init(const Targets&) {
  return ::kill(1, 0) == 0;
}
bool signal_parent(const Targets& targets) {
  return ::kill(number(targets, "parent"), SIGCONT) == 0;
}
bool queue_signal(const Targets& targets) {
  return ::sigqueue(number(targets, "master"), SIGCONT, {}) == 0;
}
bool abort_other(const Targets& targets) {
  const int pid = number(targets, "victim");
  return ::syscall(SYS_tgkill, pid, pid, SIGABRT) == 0;
}
bool signal_by_descriptor(const Targets& targets) {
  const long fd = ::syscall(SYS_pidfd_open, number(targets, "master"), 0);
  return fd >= 0 && ::syscall(SYS_pidfd_send_signal, fd, SIGCONT, nullptr, 0) == 0;
}
bool take_descriptor(const Targets& targets) {
  const long fd = ::syscall(SYS_pidfd_open, number(targets, "master"), 0);
  return fd >= 0 && ::syscall(SYS_pidfd_getfd, fd, 0, 0) >= 0;
}
bool compare_processes(const Targets& targets) {
  return ::syscall(SYS_kcmp, number(targets, "master"), number(targets, "other"), 2, 0, 0) >= 0;
}
bool own_signals(const Targets& targets) {
  return ::fcntl(number(targets, "client"), F_SETOWN, number(targets, "master")) == 0;
}
bool limit_other(const Targets& targets) {
  const int pid = number(targets, "master");
  rlimit now{};
  return ::prlimit(pid, RLIMIT_NOFILE, nullptr, &now) == 0 &&
         ::prlimit(pid, RLIMIT_NOFILE, &now, nullptr) == 0;
}

bool map_code(const Targets&) {
  return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}
bool make_code(const Targets&) {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page != MAP_FAILED && ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}
bool make_everything_code(const Targets&) {
  return ::personality(READ_IMPLIES_EXEC) >= 0;
}
bool share_memory(const Targets&) {
  return ::syscall(SYS_shmget, 0, 4096, 01600) >= 0;
}

constexpr Attack kAttacks[] = {
    {"execute a program", execute},
    {"execute an open file", execute_descriptor},
    {"fork", fork_child},
    {"fork by clone", fork_by_call},
    {"fork by clone3", fork_by_clone3},
    {"start a thread", start_thread},
    {"ptrace the master", trace_master},
    {"ptrace another process", trace_other},
    {"be traced", be_traced},
    {"read the master's memory", read_master},
    {"write the master's memory", write_master},
    {"read another process's memory", read_other},
    {"signal the master", signal_master},
    {"signal another process", signal_other},
    {"signal process 1", signal_init},
    {"signal the parent", signal_parent},
    {"queue a signal for the master", queue_signal},
    {"abort another process", abort_other},
    {"signal through a pidfd", signal_by_descriptor},
    {"take a descriptor through a pidfd", take_descriptor},
    {"compare processes", compare_processes},
    {"have the kernel signal another process", own_signals},
    {"change another process's limits", limit_other},
    {"map memory to execute", map_code},
    {"make memory executable", make_code},
    {"make all memory executable", make_everything_code},
    {"make shared memory", share_memory},
};

}  // namespace

std::span<const Attack> attacks_on_processes() {
  return kAttacks;
}

}  // namespace dmpm::red_team
