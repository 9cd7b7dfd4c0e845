// bench-sized-worker: a worker that holds as much memory as it is told, and says since when it is there.
// It stands for servers whose start would need more processor than a day in minutes has.
//
//     bench-sized-worker KIB
//
// Touches KIB of memory, then serves keep-alive HTTP/1.1 on descriptor 3. Every answer's body is the
// moment of its process's start: CLOCK_MONOTONIC in nanoseconds.
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kListener = 3;
constexpr size_t kKib = 1024, kReadSize = 16 * kKib;
constexpr long kNanoseconds = 1'000'000'000;

long now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kNanoseconds + time.tv_nsec;
}

// Zeroes would do: it is the pages that count.
bool hold(size_t size) {
  if (size == 0) return true;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory != MAP_FAILED;
}

// Requests have no body here, and the dispatcher sends one at a time and its head at once.
bool answer(int fd, std::string_view response) {
  char head[kReadSize];
  const ssize_t size = ::recv(fd, head, sizeof head, 0);
  if (size <= 0 || !std::string_view(head, static_cast<size_t>(size)).ends_with("\r\n\r\n")) {
    return false;
  }
  return ::send(fd, response.data(), response.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(response.size());
}

void serve(std::string_view response) {
  std::vector<pollfd> fds{{kListener, POLLIN, 0}};
  while (::poll(fds.data(), fds.size(), -1) > 0) {
    for (size_t i = fds.size(); i-- > 1;) {
      if (fds[i].revents == 0 || answer(fds[i].fd, response)) continue;
      ::close(fds[i].fd);
      fds.erase(fds.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (fds[0].revents == 0) continue;
    const int fd = ::accept(kListener, nullptr, nullptr);
    if (fd >= 0) fds.push_back({fd, POLLIN, 0});
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string started = std::to_string(now());
  if (count != 2 || !hold(std::strtoul(arguments[1], nullptr, 10) * kKib)) {
    std::fputs("bench-sized-worker: KIB of memory\n", stderr);
    return 1;
  }
  serve("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(started.size()) + "\r\n\r\n" +
        started);
  std::perror("poll");
  return 1;
}
