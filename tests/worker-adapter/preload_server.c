// A server that knows of TCP only, for the tests of the preload library. Each connection is told, on
// one line, what the server sees of it: its own address, its peer's, its family, its process.
//
//   preload_server MODE PORT      MODE: a way to treat the listening socket (the table at the end)
//
// A connection that sends "again" makes the server execute itself anew, "stop" ends it.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

static char** arguments;

static _Noreturn void fail(const char* what) {
  perror(what);
  exit(1);
}

static int make_socket(void) {
  const int one = 1;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0) fail("socket");
  return fd;
}

static struct sockaddr_in address_of(uint32_t host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(host);
  return address;
}

static void bind_and_listen(int fd, int port) {
  const struct sockaddr_in address = address_of(INADDR_ANY, port);
  if (bind(fd, (const struct sockaddr*)&address, sizeof address) != 0) fail("bind");
  if (listen(fd, 5) != 0) fail("listen");
}

static int open_port(int port) {
  const int fd = make_socket();
  bind_and_listen(fd, port);
  return fd;
}

static const char* text_of(const struct sockaddr_in* address) {
  static char texts[4][64];
  static int next;
  char* text = texts[next++ % 4];
  snprintf(text, sizeof texts[0], "%s:%d", inet_ntoa(address->sin_addr), ntohs(address->sin_port));
  return text;
}

static void answer(int listener, int fd, const struct sockaddr_in* told) {
  struct sockaddr_in local, peer, own;
  socklen_t size = sizeof local;
  int domain = 0, one = 1, delay = -1;
  if (getsockname(fd, (struct sockaddr*)&local, &size) != 0 || size != sizeof local) fail("local");
  size = sizeof peer;
  if (getpeername(fd, (struct sockaddr*)&peer, &size) != 0 || size != sizeof peer) fail("peer");
  size = sizeof own;
  if (getsockname(listener, (struct sockaddr*)&own, &size) != 0) fail("own");
  size = sizeof domain;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) fail("SO_DOMAIN");
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) fail("TCP_NODELAY");
  if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &delay, &size) != 0) fail("TCP_NODELAY?");
  dprintf(fd, "local=%s peer=%s accepted=%s listener=%s inet=%d pid=%d\n", text_of(&local),
          text_of(&peer), text_of(told), text_of(&own), domain == AF_INET, getpid());
}

static void serve_one(int listener) {
  struct sockaddr_in told;
  socklen_t size = sizeof told;
  const int fd = accept(listener, (struct sockaddr*)&told, &size);
  if (fd < 0) fail("accept");
  char word[16] = "";
  const ssize_t length = read(fd, word, sizeof word - 1);
  answer(listener, fd, &told);
  close(fd);
  if (length > 0 && strncmp(word, "again", 5) == 0) {
    fcntl(listener, F_SETFD, 0);
    setenv("LISTENER", strcmp(arguments[1], "inherit") == 0 ? "3" : "", 1);
    if (strcmp(arguments[1], "inherit") == 0) {
      dup2(listener, 3);
    } else {
      closefrom(3);  // whatever there is
    }
    execv("/proc/self/exe", arguments);
    fail("exec");
  }
  if (length > 0 && strncmp(word, "stop", 4) == 0) exit(0);
}

static _Noreturn void serve(int listener) {
  for (;;) serve_one(listener);
}

// ---- ways to treat the listening socket ----

static int plain(int port) {
  return open_port(port);
}

static int epoll_before_bind(int port) {
  const int fd = make_socket(), epoll = epoll_create1(EPOLL_CLOEXEC);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  bind_and_listen(fd, port);
  for (;;) {
    if (epoll_wait(epoll, &event, 1, -1) == 1) serve_one(event.data.fd);
  }
  return fd;
}

static int duplicate_before_bind(int port) {
  const int fd = make_socket(), copy = dup(fd);
  bind_and_listen(fd, port);
  close(fd);
  return copy;
}

static int poll_and_accept4(int port) {
  const int fd = open_port(port);
  for (;;) {
    struct pollfd ready = {fd, POLLIN, 0};
    if (poll(&ready, 1, -1) == 1) serve_one(fd);
  }
  return fd;
}

// A child that closes it must not take it from the others.
static int child_closes(int port) {
  const int fd = open_port(port);
  const pid_t pid = fork();
  if (pid == 0) {
    shutdown(fd, SHUT_RDWR);
    close(fd);
    closefrom(3);
    exit(0);
  }
  waitpid(pid, NULL, 0);
  return fd;
}

static int children_serve(int port) {
  const int fd = open_port(port);
  for (int i = 0; i < 2; ++i) {
    if (fork() == 0) serve(fd);
  }
  close(fd);
  while (wait(NULL) > 0) {
  }
  exit(0);
}

static int others_refused(int port) {
  const int fd = open_port(port), other = make_socket(), local = make_socket();
  struct sockaddr_in address = address_of(INADDR_ANY, port + 1);
  const int result = bind(other, (const struct sockaddr*)&address, sizeof address);
  fprintf(stderr, "second: %s\n", result == 0 ? "bound" : strerror(errno));
  address = address_of(INADDR_LOOPBACK, 0);
  const int private = bind(local, (const struct sockaddr*)&address, sizeof address);
  fprintf(stderr, "private: %s\n", private == 0 ? "bound" : strerror(errno));
  return fd;
}

static int leaves_it_nonblocking(int port) {
  const int fd = open_port(port);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  struct pollfd ready = {fd, POLLIN, 0};
  poll(&ready, 1, -1);
  serve_one(fd);
  exit(0);
}

static int takes_the_kept_number(int port) {
  for (int fd = 3; fd < 256; ++fd) dup2(STDERR_FILENO, fd);
  return open_port(port);
}

static const struct {
  const char* name;
  int (*open)(int port);
} modes[] = {{"plain", plain},
             {"inherit", plain},
             {"epoll", epoll_before_bind},
             {"dup", duplicate_before_bind},
             {"poll", poll_and_accept4},
             {"child-closes", child_closes},
             {"children", children_serve},
             {"second", others_refused},
             {"nonblocking", leaves_it_nonblocking},
             {"numbers", takes_the_kept_number}};

int main(int count, char** words) {
  arguments = words;
  if (count != 3) return 2;
  const char* inherited = getenv("LISTENER");
  if (inherited != NULL && *inherited != '\0') serve(atoi(inherited));
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i) {
    if (strcmp(words[1], modes[i].name) == 0) serve(modes[i].open(atoi(words[2])));
  }
  return 2;
}
