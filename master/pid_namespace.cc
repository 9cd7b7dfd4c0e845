#include "master/pid_namespace.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/lockdown.h"
#include "master/worker_rights.h"
#include "master/worker_start_failure.h"

namespace dmpm::master {
namespace {

constexpr int kPipe = 0;  // the only descriptor that keeper and init have

// As powerless as the worker, and out of its reach.
void give_up_everything(const WorkerPlan& plan, int pipe) {
  step(::dup2(pipe, kPipe) == kPipe, "dup2");
  if (plan.permissions.root != "/") step(lockdown::enter_root(plan.permissions.root));
  become_user(plan);
  step(lockdown::not_dumpable());
}

// The kernel gives it every orphan of the namespace, and ends them all when it ends.
[[noreturn]] void be_init(const WorkerPlan& plan, int pipe) {
  give_up_everything(plan, pipe);
  struct sigaction reap {};
  reap.sa_handler = SIG_IGN;
  ::sigaction(SIGCHLD, &reap, nullptr);
  ::close_range(kPipe + 1, ~0U, 0);
  char nothing;
  while (::read(kPipe, &nothing, 1) < 0) {
  }
  ::_exit(0);
}

// Ends as `status` says, so that the master sees what became of the worker.
[[noreturn]] void end_as(int status) {
  if (WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  sigset_t one;
  ::sigemptyset(&one);
  ::sigaddset(&one, number);
  ::signal(number, SIG_DFL);
  ::raise(number);
  ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
  ::_exit(128 + number);
}

[[noreturn]] void be_keeper(const WorkerPlan& plan, int pipe, pid_t init, pid_t worker) {
  give_up_everything(plan, pipe);
  end_with(plan.master);
  ::close_range(kPipe + 1, ~0U, 0);
  sigset_t all;
  ::sigfillset(&all);
  int status = 0;
  while (::waitpid(worker, &status, WNOHANG) == 0) {
    const int number = ::sigwaitinfo(&all, nullptr);
    // The worker leads a session and a process group, as it does without a namespace.
    if (number > 0 && number != SIGCHLD && ::kill(-worker, number) != 0) ::kill(worker, number);
  }
  ::close(kPipe);
  ::waitpid(init, nullptr, 0);  // returns when all of the namespace has ended
  end_as(status);
}

}  // namespace

void enter_pid_namespace(const WorkerPlan& plan) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);  // the keeper waits for them
  int ends[2];
  step(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  const pid_t init = ::fork();
  step(init >= 0, "fork of the namespace's init");
  if (init == 0) be_init(plan, ends[0]);
  const pid_t worker = ::fork();
  step(worker >= 0, "fork of the worker");
  if (worker > 0) be_keeper(plan, ends[1], init, worker);
  ::close(ends[0]);
  ::close(ends[1]);
  step(::setsid() >= 0, "setsid");
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace dmpm::master
