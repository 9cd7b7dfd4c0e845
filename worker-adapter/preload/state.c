#include "worker-adapter/preload/state.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static const char kState[] = "DMPM_PRELOAD";
static const char kSocket[] = "DMPM_PRELOAD_SOCKET";

PRELOAD_DECLARE(getsockname)
PRELOAD_DECLARE(getsockopt)

// Written by the constructor and when a port is claimed, which programs do before they serve.
static struct {
  int kept;
  unsigned port;
  int family;
  char path[sizeof(((struct sockaddr_un*)NULL)->sun_path) + 1];
  struct sockaddr_storage bound;  // as the program said it; family 0 when that was in another life
} state = {.kept = -1, .family = AF_INET};

void* preload_next(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == NULL) {
    fprintf(stderr, "libdmpm-preload: there is no %s() to call\n", name);
    abort();
  }
  return found;
}

static void remember(void) {
  char text[64];
  snprintf(text, sizeof text, "%d:%u:%d", state.kept, state.port, state.family == AF_INET6 ? 6 : 4);
  setenv(kState, text, 1);
}

__attribute__((constructor)) static void start(void) {
  const char* text = getenv(kState);
  const char* path = getenv(kSocket);
  int kept = -1, family = 4;
  unsigned port = 0;
  if (text == NULL || path == NULL || strlen(path) >= sizeof state.path ||
      sscanf(text, "%d:%u:%d", &kept, &port, &family) != 3 || port > 65535) {
    return;
  }
  memcpy(state.path, path, strlen(path) + 1);
  state.port = port;
  state.family = family == 6 ? AF_INET6 : AF_INET;
  // A program in between may have closed it, or put something else there.
  state.kept = preload_is_listener(kept) ? kept : -1;
}

int preload_kept(void) {
  return state.kept;
}

void preload_move_kept(void) {
  const int moved = fcntl(state.kept, F_DUPFD, state.kept + 1);
  state.kept = moved;
  remember();
}

bool preload_is_ours(int fd) {
  if (state.path[0] == '\0' || fd < 0) return false;
  const int error = errno;
  // One byte more than the kernel fills, so that it always ends.
  struct {
    struct sockaddr_un address;
    char end;
  } local;
  socklen_t size = sizeof local.address;
  memset(&local, 0, sizeof local);
  const int result = PRELOAD_NEXT(getsockname)(fd, (struct sockaddr*)&local.address, &size);
  errno = error;
  return result == 0 && local.address.sun_family == AF_UNIX &&
         strncmp(local.address.sun_path, state.path, sizeof local.address.sun_path) == 0;
}

bool preload_is_listener(int fd) {
  if (!preload_is_ours(fd)) return false;
  const int error = errno;
  int listening = 0;
  socklen_t size = sizeof listening;
  const int result = PRELOAD_NEXT(getsockopt)(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
  errno = error;
  return result == 0 && listening != 0;
}

unsigned preload_port(void) {
  return state.port;
}

int preload_family(void) {
  return state.family;
}

void preload_claim(const struct sockaddr* address) {
  const bool six = address->sa_family == AF_INET6;
  memcpy(&state.bound, address, six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
  // The port stands at the same place in both.
  state.port = ntohs(((const struct sockaddr_in*)&state.bound)->sin_port);
  state.family = address->sa_family;
  remember();
}

// 127.0.0.1, or as an IPv6 socket sees it.
static void loopback(unsigned port, struct sockaddr_storage* out) {
  memset(out, 0, sizeof *out);
  if (state.family == AF_INET6) {
    struct sockaddr_in6* six = (struct sockaddr_in6*)out;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &six->sin6_addr);
  } else {
    struct sockaddr_in* four = (struct sockaddr_in*)out;
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
}

static void give(const struct sockaddr_storage* from, struct sockaddr* address, socklen_t* size) {
  if (address == NULL || size == NULL) return;
  const socklen_t full =
      from->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  memcpy(address, from, *size < full ? *size : full);
  *size = full;
}

void preload_local_address(int fd, struct sockaddr* address, socklen_t* size) {
  struct sockaddr_storage local;
  if (state.bound.ss_family != 0 && preload_is_listener(fd)) {
    local = state.bound;
  } else {
    loopback(state.port, &local);
  }
  give(&local, address, size);
}

void preload_peer_address(struct sockaddr* address, socklen_t* size) {
  struct sockaddr_storage peer;
  loopback(1, &peer);  // some port: the client's own is not known here
  give(&peer, address, size);
}
