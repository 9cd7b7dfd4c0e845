// Stands in for dmpm-dispatcher and dmpm-logger: hands its channel to the test, by connecting to
// the SOCK_SEQPACKET socket "NAME.socket" beside itself and copying messages both ways.
//
// The first message to the test is what it inherited: "pid descriptors... | environment...".
// A message "exit STATUS" of the test ends it.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

char bytes[128 * 1024];

// False at the end.
bool copy(int from, int to, bool obey) {
  const ssize_t size = ::recv(from, bytes, sizeof bytes, 0);
  if (size <= 0) return false;
  const std::string text(bytes, static_cast<size_t>(size));
  if (obey && text.starts_with("exit ")) ::_exit(std::atoi(text.c_str() + 5));
  return ::send(to, bytes, static_cast<size_t>(size), 0) == size;
}

std::string inherited() {
  std::string text = std::to_string(::getpid()) + " ";
  for (int fd = 0; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) text += std::to_string(fd) + " ";
  }
  text += "|";
  for (char** variable = environ; *variable != nullptr; ++variable) {
    text += std::string(" ") + *variable;
  }
  return text;
}

}  // namespace

int main() {
  const std::string first = inherited();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const ssize_t size = ::readlink("/proc/self/exe", bytes, sizeof bytes);
  const std::string path(bytes, size > 0 ? static_cast<size_t>(size) : 0);
  std::strncpy(address.sun_path, (path + ".socket").c_str(), sizeof address.sun_path - 1);
  const int test = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
  if (::connect(test, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 9;
  if (::send(test, first.data(), first.size(), 0) < 0) return 9;
  constexpr int kMaster = 3;
  pollfd both[2] = {{kMaster, POLLIN, 0}, {test, POLLIN, 0}};
  while (::poll(both, 2, -1) >= 0) {
    if (both[0].revents != 0 && !copy(kMaster, test, false)) return 0;
    if (both[1].revents != 0 && !copy(test, kMaster, true)) return 0;
  }
}
