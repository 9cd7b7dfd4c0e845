// The calls of the C library that this library stands in front of. Each passes through what is not
// about the inherited socket; what it says otherwise is what the program would hear of a TCP socket
// on the loopback interface.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker-adapter/preload/binding.h"
#include "worker-adapter/preload/state.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

PRELOAD_DECLARE(accept)
PRELOAD_DECLARE(accept4)
PRELOAD_DECLARE(bind)
PRELOAD_DECLARE(close)
PRELOAD_DECLARE(close_range)
PRELOAD_DECLARE(dup2)
PRELOAD_DECLARE(dup3)
PRELOAD_DECLARE(epoll_ctl)
PRELOAD_DECLARE(getpeername)
PRELOAD_DECLARE(getsockname)
PRELOAD_DECLARE(getsockopt)
PRELOAD_DECLARE(listen)
PRELOAD_DECLARE(setsockopt)
PRELOAD_DECLARE(shutdown)

// ---- becoming the socket ----

int bind(int fd, const struct sockaddr* address, socklen_t size) {
  switch (preload_judge(fd, address, size)) {
    case PRELOAD_TAKE: return preload_take(fd, address) ? 0 : -1;
    case PRELOAD_REFUSE: errno = EACCES; return -1;
    case PRELOAD_PASS: break;
  }
  return PRELOAD_NEXT(bind)(fd, address, size);
}

// It listens already, with the queue that the master gave it.
int listen(int fd, int backlog) {
  return preload_is_listener(fd) ? 0 : PRELOAD_NEXT(listen)(fd, backlog);
}

int accept4(int fd, struct sockaddr* address, socklen_t* size, int flags) {
  if (!preload_is_ours(fd)) return PRELOAD_NEXT(accept4)(fd, address, size, flags);
  const int accepted = PRELOAD_NEXT(accept4)(fd, NULL, NULL, flags);
  if (accepted >= 0) preload_peer_address(address, size);
  return accepted;
}

int accept(int fd, struct sockaddr* address, socklen_t* size) {
  if (!preload_is_ours(fd)) return PRELOAD_NEXT(accept)(fd, address, size);
  return accept4(fd, address, size, 0);
}

// Of a listening socket it would end the queue for everyone, for good: the master's is the same.
int shutdown(int fd, int how) {
  return preload_is_listener(fd) ? 0 : PRELOAD_NEXT(shutdown)(fd, how);
}

// ---- what is said of it ----

int getsockname(int fd, struct sockaddr* restrict address, socklen_t* restrict size) {
  if (!preload_is_ours(fd)) return PRELOAD_NEXT(getsockname)(fd, address, size);
  preload_local_address(fd, address, size);
  return 0;
}

int getpeername(int fd, struct sockaddr* restrict address, socklen_t* restrict size) {
  if (!preload_is_ours(fd)) return PRELOAD_NEXT(getpeername)(fd, address, size);
  struct sockaddr_storage peer;
  socklen_t peer_size = sizeof peer;
  // A listening one has none; nor has a connection that the dispatcher has left.
  if (PRELOAD_NEXT(getpeername)(fd, (struct sockaddr*)&peer, &peer_size) != 0) return -1;
  preload_peer_address(address, size);
  return 0;
}

static bool is_of_internet(int level) {
  return level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  if (is_of_internet(level) && preload_is_ours(fd)) {
    if (level != IPPROTO_TCP || name != TCP_ULP) return 0;
    errno = ENOPROTOOPT;  // the kernel's TLS: must not seem to be there
    return -1;
  }
  const int result = PRELOAD_NEXT(setsockopt)(fd, level, name, value, size);
  if (result != 0 && level == SOL_SOCKET && name == SO_REUSEPORT && preload_is_ours(fd)) return 0;
  return result;
}

int getsockopt(int fd, int level, int name, void* restrict value, socklen_t* restrict size) {
  const bool asked =
      is_of_internet(level) || (level == SOL_SOCKET && (name == SO_DOMAIN || name == SO_PROTOCOL));
  if (!asked || value == NULL || size == NULL || !preload_is_ours(fd)) {
    return PRELOAD_NEXT(getsockopt)(fd, level, name, value, size);
  }
  if (*size != sizeof(int)) {
    errno = ENOPROTOOPT;  // TCP_INFO and the like
    return -1;
  }
  int answer = 0;
  if (level == SOL_SOCKET) answer = name == SO_DOMAIN ? preload_family() : IPPROTO_TCP;
  if (level == IPPROTO_TCP && name == TCP_MAXSEG) answer = 1460;
  memcpy(value, &answer, sizeof answer);
  return 0;
}

// ---- descriptors ----

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event* event) {
  const int result = PRELOAD_NEXT(epoll_ctl)(epoll, operation, fd, event);
  if (result == 0) preload_note_epoll(epoll, operation, fd, event);
  return result;
}

// The kept descriptor outlives programs that close all they do not know.
int close(int fd) {
  if (fd >= 0 && fd == preload_kept()) return 0;
  preload_forget_epoll(fd);
  return PRELOAD_NEXT(close)(fd);
}

int close_range(unsigned first, unsigned last, int flags) {
  const int kept = preload_kept();
  if (kept < 0 || (unsigned)kept < first || (unsigned)kept > last) {
    return PRELOAD_NEXT(close_range)(first, last, flags);
  }
  const unsigned middle = (unsigned)kept;
  if (middle > first && PRELOAD_NEXT(close_range)(first, middle - 1, flags) != 0) return -1;
  return middle < last ? PRELOAD_NEXT(close_range)(middle + 1, last, flags) : 0;
}

void closefrom(int first) {
  close_range(first < 0 ? 0 : (unsigned)first, ~0U, 0);
}

int dup3(int from, int to, int flags) {
  if (to >= 0 && to == preload_kept() && from != to) preload_move_kept();
  preload_forget_epoll(to);
  return PRELOAD_NEXT(dup3)(from, to, flags);
}

int dup2(int from, int to) {
  if (from == to) return PRELOAD_NEXT(dup2)(from, to);
  if (to >= 0 && to == preload_kept()) preload_move_kept();
  preload_forget_epoll(to);
  return PRELOAD_NEXT(dup2)(from, to);
}
