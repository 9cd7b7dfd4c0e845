// bench-backend: the worker of dmpm and the upstream of every peer: a keep-alive HTTP/1.1 server on
// a Unix socket that does as little as a server can, so that what is measured is in front of it.
//
//     bench-backend NAME [PATH]     PATH: listens there; without: descriptor 3 (LISTEN_FDS)
//
//     GET /bytes/N    the first N bytes of the pattern (body_pattern.h)
//     POST /sink      reads the body and answers with its size
//
// Every answer has "X-Backend: NAME", by which a client sees that it came from the right site.
// Bodies need a Content-Length: anything else is answered with an error, and so noticed.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "tests/bench/body_pattern.h"
#include "tests/bench/head_field.h"

namespace dmpm::bench {
namespace {

constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kMaxHead = 16 * 1024;
constexpr int kEvents = 256;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Site {
  std::string name;
  BodyPattern pattern;
};

// One connection of the proxy. Requests are answered one after the other.
class Connection {
 public:
  Connection(Fd fd, Site& site) : fd_(std::move(fd)), site_(site) {}

  int fd() const { return fd_.get(); }
  bool wants_to_write() const { return !head_.empty() || !body_.empty(); }

  // `block` is where it reads to. False when it is over.
  bool readable(std::span<char> block) {
    const ssize_t got = ::recv(fd(), block.data(), block.size(), 0);
    if (got < 0) return errno == EAGAIN;
    return got > 0 && take({block.data(), static_cast<size_t>(got)});
  }

  bool writable() { return send() && (wants_to_write() || take({})); }

 private:
  bool take(std::string_view bytes) {
    if (upload_left_ > 0) {  // the common case of an upload: nothing is kept
      const size_t part = std::min<uint64_t>(upload_left_, bytes.size());
      upload_left_ -= part;
      bytes.remove_prefix(part);
      if (upload_left_ == 0) answer_upload();
    }
    input_ += bytes;
    while (upload_left_ == 0 && !wants_to_write()) {
      const size_t end = input_.find("\r\n\r\n");
      if (end == std::string::npos) return input_.size() <= kMaxHead;
      request(std::string_view(input_).substr(0, end + 2));
      input_.erase(0, end + 4);
      if (upload_left_ > 0) {
        const size_t part = std::min<uint64_t>(upload_left_, input_.size());
        upload_left_ -= part;
        input_.erase(0, part);
        if (upload_left_ == 0) answer_upload();
      }
      if (!send()) return false;
    }
    return !wants_to_write() || send();
  }

  void request(std::string_view head) {
    closing_ = field(head, "connection") == "close";
    const auto length = number(field(head, "content-length"));
    if (!field(head, "transfer-encoding").empty()) return refuse("501 Not Implemented");
    constexpr std::string_view kBytes = "GET /bytes/";
    if (head.starts_with(kBytes)) {
      head.remove_prefix(kBytes.size());
      const auto size = number(head.substr(0, head.find(' ')));
      if (!size || *size > kLargestBody) return refuse("404 Not Found");
      site_.pattern.fill(*size);
      return answer("200 OK", site_.pattern.first(*size));
    }
    if (!head.starts_with("POST /sink ")) return refuse("404 Not Found");
    if (!length) return refuse("411 Length Required");
    upload_ = upload_left_ = *length;
    if (upload_ == 0) answer_upload();
  }

  void answer_upload() {
    sink_answer_ = std::to_string(upload_);
    answer("200 OK", sink_answer_);
  }

  void refuse(std::string_view status) {
    closing_ = true;
    answer(status, {});
  }

  void answer(std::string_view status, std::string_view body) {
    head_ = "HTTP/1.1 ";
    head_ += status;
    head_ += "\r\nX-Backend: ";
    head_ += site_.name;
    // A Date as every server sends it: without one the proxies would have to make it.
    head_ +=
        "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/octet-stream"
        "\r\nContent-Length: ";
    head_ += std::to_string(body.size());
    head_ += closing_ ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n";
    head_sent_ = 0;
    body_ = body;
  }

  // As much as the socket takes; false when the connection is over.
  bool send() {
    while (wants_to_write()) {
      std::array<iovec, 2> parts{iovec{head_.data() + head_sent_, head_.size() - head_sent_},
                                 iovec{const_cast<char*>(body_.data()), body_.size()}};
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      const ssize_t sent = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      const size_t of_head = std::min<size_t>(sent, head_.size() - head_sent_);
      head_sent_ += of_head;
      body_.remove_prefix(sent - of_head);
      if (head_sent_ == head_.size()) head_.clear(), head_sent_ = 0;
    }
    return !closing_;
  }

  Fd fd_;
  Site& site_;
  std::string input_;
  std::string head_;  // of the answer, from head_sent_ on
  size_t head_sent_ = 0;
  std::string_view body_;  // what is left of it
  std::string sink_answer_;
  uint64_t upload_ = 0;
  uint64_t upload_left_ = 0;
  bool closing_ = false;
};

Fd listen_at(const char* path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  ::unlink(path);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (::chmod(path, 0666) != 0 || ::listen(fd.get(), 4096) != 0) die("listen");
  return fd;
}

void watch(int epoll, int operation, int fd, void* what, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = what;
  if (::epoll_ctl(epoll, operation, fd, &event) != 0) die("epoll_ctl");
}

void accept_all(int epoll, int listener, Site& site) {
  while (true) {
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EAGAIN || errno == ECONNABORTED) return;
      die("accept");
    }
    const int number = fd.get();
    auto connection = std::make_unique<Connection>(std::move(fd), site);
    // The epoll set owns it from here on (serve() deletes it when it is over).
    watch(epoll, EPOLL_CTL_ADD, number, connection.release(), EPOLLIN);
  }
}

void serve_event(int epoll, const epoll_event& event, std::span<char> block) {
  std::unique_ptr<Connection> connection(static_cast<Connection*>(event.data.ptr));
  const bool wrote = connection->wants_to_write();
  const bool alive = wrote ? connection->writable() : connection->readable(block);
  if (!alive) return;
  const bool writes = connection->wants_to_write();
  if (writes != wrote) {
    watch(epoll, EPOLL_CTL_MOD, connection->fd(), connection.get(), writes ? EPOLLOUT : EPOLLIN);
  }
  (void)connection.release();
}

[[noreturn]] void serve(Fd listener, Site& site) {
  ::fcntl(listener.get(), F_SETFL, O_NONBLOCK);
  const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  watch(epoll.get(), EPOLL_CTL_ADD, listener.get(), nullptr, EPOLLIN);
  std::array<epoll_event, kEvents> events;
  std::vector<char> block(kReadSize);
  while (true) {
    const int count = ::epoll_wait(epoll.get(), events.data(), kEvents, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr == nullptr) {
        accept_all(epoll.get(), listener.get(), site);
      } else {
        serve_event(epoll.get(), events[i], block);
      }
    }
  }
}

}  // namespace
}  // namespace dmpm::bench

int main(int argc, char** argv) {
  using namespace dmpm::bench;
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: bench-backend NAME [PATH]\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  Site site{argv[1], {}};
  serve(argc == 3 ? listen_at(argv[2]) : dmpm::Fd(3), site);
}
