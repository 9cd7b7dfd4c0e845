// With real processes: this one, and one that it makes.
#include "cli/usage.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>

#include "base/fd.h"

using namespace dmpm;
using namespace dmpm::cli;

namespace {

// A process with `bytes` of its own memory that has used that much processor time, and waits.
class Busy {
 public:
  Busy(size_t bytes, int ms) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      void* memory =
          ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      std::memset(memory, 1, bytes);
      while (std::clock() < ms * (CLOCKS_PER_SEC / 1000)) continue;
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char byte = 0;
    ::close(ready[1]);
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
  }
  ~Busy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("without a cgroup of its own, a worker's processes are those below it") {
  const UsageReader reader(::getpid());  // "the master", in whose cgroup they are
  const Busy child(size_t{32} << 20, 200);
  const UsageReader::Used used = reader.of_worker(child.pid());
  CHECK(used.memory >= size_t{32} << 20);
  CHECK(used.cpu_ms >= 150);
  // With its child.
  CHECK(reader.of_worker(::getpid()).memory >= used.memory);
}

TEST_CASE("a process that has gone uses nothing") {
  const UsageReader reader(::getpid());
  pid_t gone;
  {
    const Busy child(4096, 1);
    gone = child.pid();
  }
  const UsageReader::Used used = reader.of_worker(gone);
  CHECK(used.memory == 0);
  CHECK(used.cpu_ms == 0);
  cli::Status status;
  status.pid = static_cast<uint32_t>(::getpid());
  status.groups.resize(1);
  status.groups[0].cpu_ms = 5;
  status.groups[0].workers = {{1, static_cast<uint32_t>(gone), 0, "running"}, {2, 0, 0, "queued"}};
  add_usage(status);
  CHECK(status.groups[0].cpu_ms == 5);
  CHECK(status.groups[0].memory == 0);
}
