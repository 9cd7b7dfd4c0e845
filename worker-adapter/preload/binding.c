#include "worker-adapter/preload/binding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "worker-adapter/preload/state.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum {
  // Before it serves a program watches its few listening sockets.
  kMostRegistrations = 64,
  // Duplicates of a socket made before it is bound: small numbers.
  kMostDuplicates = 1024,
};

PRELOAD_DECLARE(dup3)
PRELOAD_DECLARE(epoll_ctl)
PRELOAD_DECLARE(getsockopt)
PRELOAD_DECLARE(setsockopt)

struct registration {
  int epoll, fd;
  struct epoll_event event;
};
static struct registration registrations[kMostRegistrations];
static int registration_count;
// The port is bound: nothing is noted any more, so that serving costs nothing.
static bool taken;

static bool is_tcp(int fd) {
  int type = 0, protocol = 0;
  socklen_t size = sizeof type;
  if (PRELOAD_NEXT(getsockopt)(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
  size = sizeof protocol;
  if (PRELOAD_NEXT(getsockopt)(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0) return false;
  return type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
}

static bool is_loopback(const struct sockaddr* address) {
  if (address->sa_family == AF_INET6) {
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6*)address)->sin6_addr);
  }
  return ntohl(((const struct sockaddr_in*)address)->sin_addr.s_addr) >> 24 == 127;
}

enum preload_verdict preload_judge(int fd, const struct sockaddr* address, socklen_t size) {
  if (preload_kept() < 0 || address == NULL || size < (socklen_t)sizeof(struct sockaddr_in)) {
    return PRELOAD_PASS;
  }
  const bool six = address->sa_family == AF_INET6 && size >= (socklen_t)sizeof(struct sockaddr_in6);
  if ((address->sa_family != AF_INET && !six) || !is_tcp(fd)) return PRELOAD_PASS;
  const unsigned port = ntohs(((const struct sockaddr_in*)address)->sin_port);
  if (port == 0) return PRELOAD_PASS;  // any free port: a private matter of the program's
  if (preload_port() == 0 || preload_port() == port) return PRELOAD_TAKE;
  if (is_loopback(address)) return PRELOAD_PASS;
  fprintf(stderr,
          "libdmpm-preload: refused to listen on port %u: port %u is this worker's socket, and a "
          "second one would be open to the network\n",
          port, preload_port());
  return PRELOAD_REFUSE;
}

void preload_note_epoll(int epoll, int operation, int fd, const struct epoll_event* event) {
  if (taken || preload_kept() < 0) return;
  int at = 0;
  while (at < registration_count &&
         (registrations[at].epoll != epoll || registrations[at].fd != fd)) {
    ++at;
  }
  if (operation == EPOLL_CTL_DEL) {
    if (at < registration_count) registrations[at] = registrations[--registration_count];
    return;
  }
  if (at == kMostRegistrations || event == NULL) return;
  registrations[at] = (struct registration){epoll, fd, *event};
  if (at == registration_count) ++registration_count;
}

void preload_forget_epoll(int fd) {
  for (int i = 0; i < registration_count;) {
    if (registrations[i].epoll == fd || registrations[i].fd == fd) {
      registrations[i] = registrations[--registration_count];
    } else {
      ++i;
    }
  }
}

static void replay_epoll(int fd) {
  for (int i = 0; i < registration_count; ++i) {
    if (registrations[i].fd == fd) {
      PRELOAD_NEXT(epoll_ctl)(registrations[i].epoll, EPOLL_CTL_ADD, fd, &registrations[i].event);
    }
  }
}

static bool replace(int fd) {
  const int closes_at_exec = fcntl(fd, F_GETFD) & FD_CLOEXEC;
  if (PRELOAD_NEXT(dup3)(preload_kept(), fd, closes_at_exec ? O_CLOEXEC : 0) < 0) return false;
  replay_epoll(fd);
  return true;
}

// What stays with the socket whoever serves next, so it is set whether the program did or not: a
// predecessor may have.
static void copy_settings(int fd, int flags, const struct timeval timeouts[2]) {
  fcntl(fd, F_SETFL, flags);
  PRELOAD_NEXT(setsockopt)(fd, SOL_SOCKET, SO_RCVTIMEO, &timeouts[0], sizeof timeouts[0]);
  PRELOAD_NEXT(setsockopt)(fd, SOL_SOCKET, SO_SNDTIMEO, &timeouts[1], sizeof timeouts[1]);
}

bool preload_take(int fd, const struct sockaddr* address) {
  struct stat before;
  struct timeval timeouts[2] = {{0, 0}, {0, 0}};
  socklen_t size = sizeof timeouts[0];
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fstat(fd, &before) != 0) return false;
  PRELOAD_NEXT(getsockopt)(fd, SOL_SOCKET, SO_RCVTIMEO, &timeouts[0], &size);
  PRELOAD_NEXT(getsockopt)(fd, SOL_SOCKET, SO_SNDTIMEO, &timeouts[1], &size);
  const int error = errno;
  for (int other = 0; other < kMostDuplicates; ++other) {
    struct stat found;
    if (other != fd && fstat(other, &found) == 0 && S_ISSOCK(found.st_mode) &&
        found.st_ino == before.st_ino && found.st_dev == before.st_dev && !replace(other)) {
      return false;
    }
  }
  errno = error;
  if (!replace(fd)) return false;
  copy_settings(fd, flags, timeouts);
  preload_claim(address);
  taken = true;
  return true;
}
