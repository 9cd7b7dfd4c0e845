// bench-floor: what TLS and the copying alone cost. epoll, OpenSSL, and one connection to the
// backend for each client: SSL_read -> send, recv -> SSL_write. It parses nothing, limits nothing,
// checks nothing: no proxy for HTTP can be much cheaper, and this one is no proxy.
//
//     bench-floor PORT CERTIFICATE KEY BACKEND
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace dmpm::bench {
namespace {

constexpr size_t kBlock = 64 * 1024;
constexpr int kEvents = 256;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

struct Pair;
// What epoll knows of a descriptor: its pair, and which side it is.
struct Side {
  Pair* pair = nullptr;
  bool client = false;
};

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// Bytes that one side has given and the other has not taken yet.
struct Pending {
  std::string bytes;
  size_t sent = 0;
  bool empty() const { return sent == bytes.size(); }
};

struct Pair {
  Fd client;
  Fd backend;
  std::unique_ptr<SSL, SslDeleter> ssl;
  Side client_side, backend_side;
  Pending to_client, to_backend;
  bool established = false;
  bool over = false;
  // What epoll was told, so that it is told only what changes.
  uint32_t client_events = EPOLLIN, backend_events = EPOLLIN;
};

class Floor {
 public:
  Floor(int port, const char* certificate, const char* key, const char* backend)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), context_(SSL_CTX_new(TLS_server_method())) {
    backend_address_.sun_family = AF_UNIX;
    std::snprintf(backend_address_.sun_path, sizeof backend_address_.sun_path, "%s", backend);
    if (SSL_CTX_use_certificate_chain_file(context_, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context_, key, SSL_FILETYPE_PEM) != 1) {
      die("certificate");
    }
    SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context_, 1);
    SSL_CTX_set_num_tickets(context_, 1);
    SSL_CTX_set_session_id_context(context_, reinterpret_cast<const unsigned char*>("floor"), 5);
    listen(port);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, kEvents> events;
    while (true) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), kEvents, -1);
      if (count < 0 && errno != EINTR) die("epoll_wait");
      for (int i = 0; i < count; ++i) {
        auto* side = static_cast<Side*>(events[i].data.ptr);
        if (side == nullptr) {
          accept_all();
        } else if (!side->pair->over) {
          serve(*side->pair, side->client, events[i].events);
        }
      }
      over_.clear();
    }
  }

 private:
  void listen(int port) {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 4096) != 0) {
      die("listen");
    }
    watch(EPOLL_CTL_ADD, listener_.get(), nullptr, EPOLLIN);
  }

  void watch(int operation, int fd, Side* side, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = side;
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0) die("epoll_ctl");
  }

  void accept_all() {
    while (true) {
      Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client) return;
      const int on = 1;
      ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      Fd backend(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (::connect(backend.get(), reinterpret_cast<sockaddr*>(&backend_address_),
                    sizeof backend_address_) != 0) {
        die("connect");
      }
      auto pair = std::make_unique<Pair>();
      pair->client = std::move(client);
      pair->backend = std::move(backend);
      pair->ssl.reset(SSL_new(context_));
      SSL_set_fd(pair->ssl.get(), pair->client.get());
      SSL_set_accept_state(pair->ssl.get());
      pair->client_side = {pair.get(), true};
      pair->backend_side = {pair.get(), false};
      watch(EPOLL_CTL_ADD, pair->client.get(), &pair->client_side, EPOLLIN);
      watch(EPOLL_CTL_ADD, pair->backend.get(), &pair->backend_side, EPOLLIN);
      (void)pair.release();  // lives until it is over: close() has it then
    }
  }

  void serve(Pair& pair, bool client, uint32_t events) {
    bool alive = true;
    if (!pair.established) {
      const int done = SSL_do_handshake(pair.ssl.get());
      if (done == 1) {
        pair.established = true;
      } else if (SSL_get_error(pair.ssl.get(), done) != SSL_ERROR_WANT_READ) {
        return close(pair);
      }
    }
    if (pair.established && (events & EPOLLOUT)) {
      alive = client ? send_to_client(pair) : send_to_backend(pair);
    }
    if (alive && pair.established && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
      alive = client ? read_client(pair) : read_backend(pair);
    }
    if (!alive) return close(pair);
    update(pair);
  }

  bool read_client(Pair& pair) {
    while (pair.to_backend.empty()) {
      const int got = SSL_read(pair.ssl.get(), block_.data(), kBlock);
      if (got <= 0) return SSL_get_error(pair.ssl.get(), got) == SSL_ERROR_WANT_READ;
      pair.to_backend = {{block_.data(), static_cast<size_t>(got)}, 0};
      if (!send_to_backend(pair)) return false;
      if (SSL_has_pending(pair.ssl.get()) == 0) break;
    }
    return true;
  }

  bool read_backend(Pair& pair) {
    if (!pair.to_client.empty()) return true;
    const ssize_t got = ::recv(pair.backend.get(), block_.data(), kBlock, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    pair.to_client = {{block_.data(), static_cast<size_t>(got)}, 0};
    return send_to_client(pair);
  }

  bool send_to_client(Pair& pair) {
    Pending& out = pair.to_client;
    while (!out.empty()) {
      const int sent = SSL_write(pair.ssl.get(), out.bytes.data() + out.sent,
                                 static_cast<int>(out.bytes.size() - out.sent));
      if (sent <= 0) return SSL_get_error(pair.ssl.get(), sent) == SSL_ERROR_WANT_WRITE;
      out.sent += static_cast<size_t>(sent);
    }
    return true;
  }

  bool send_to_backend(Pair& pair) {
    Pending& out = pair.to_backend;
    while (!out.empty()) {
      const ssize_t sent = ::send(pair.backend.get(), out.bytes.data() + out.sent,
                                  out.bytes.size() - out.sent, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      out.sent += static_cast<size_t>(sent);
    }
    return true;
  }

  // Each side is read while the other takes, and written to while something waits for it.
  void update(Pair& pair) {
    const uint32_t client =
        (pair.to_backend.empty() ? EPOLLIN : 0U) | (pair.to_client.empty() ? 0U : EPOLLOUT);
    const uint32_t backend =
        (pair.to_client.empty() ? EPOLLIN : 0U) | (pair.to_backend.empty() ? 0U : EPOLLOUT);
    if (client != pair.client_events) {
      watch(EPOLL_CTL_MOD, pair.client.get(), &pair.client_side, client);
    }
    if (backend != pair.backend_events) {
      watch(EPOLL_CTL_MOD, pair.backend.get(), &pair.backend_side, backend);
    }
    pair.client_events = client;
    pair.backend_events = backend;
  }

  // Destroyed when the round is over: the other side's event may be in the same round.
  void close(Pair& pair) {
    pair.over = true;
    pair.client.reset();
    pair.backend.reset();
    over_.emplace_back(&pair);
  }

  Fd epoll_;
  Fd listener_;
  SSL_CTX* context_;
  sockaddr_un backend_address_{};
  std::array<char, kBlock> block_;
  std::vector<std::unique_ptr<Pair>> over_;
};

}  // namespace
}  // namespace dmpm::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: bench-floor PORT CERTIFICATE KEY BACKEND\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  dmpm::bench::Floor floor(std::atoi(argv[1]), argv[2], argv[3], argv[4]);
  floor.run();
}
