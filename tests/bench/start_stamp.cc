// bench-start-stamp: becomes a server as dmpm's own programs do, and says when: what the server itself
// takes from then on is what dmpm could not make quicker.
//
//     bench-start-stamp UID GID SOCKET PLACE COMMAND...
//
// The listening socket, descriptor SOCKET, becomes descriptor PLACE. Writes CLOCK_MONOTONIC in
// nanoseconds to standard output, directly before exec. The environment passes, but for LISTEN_PID,
// which is set where there is one.
#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace {

constexpr int kUsage = 2, kFailed = 127;
constexpr long kNanoseconds = 1'000'000'000;

int fail(const char* what) {
  std::perror(what);
  return kFailed;
}

int number(const char* text) {
  return static_cast<int>(std::strtol(text, nullptr, 10));
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 6) return kUsage;
  const int socket = number(arguments[3]), place = number(arguments[4]);
  const int out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, place + 1);
  if (out < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return fail("standard output");
  if (socket != place && (::dup2(socket, place) < 0 || ::close(socket) != 0)) return fail("socket");
  const auto gid = static_cast<gid_t>(number(arguments[2]));
  if (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 ||
      ::setuid(static_cast<uid_t>(number(arguments[1]))) != 0) {
    return fail("ids");
  }
  if (std::getenv("LISTEN_PID") != nullptr) {
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  }
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (::dprintf(out, "%ld\n", now.tv_sec * kNanoseconds + now.tv_nsec) < 0) return fail("stamp");
  ::execv(arguments[5], arguments + 5);
  return fail(arguments[5]);
}
