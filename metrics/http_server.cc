#include "metrics/http_server.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "base/text.h"
#include "metrics/limits.h"
#include "metrics/request.h"

namespace dmpm::metrics {

namespace {

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    default: return "HTTP Version Not Supported";
  }
}

// Nothing of it is kept, framed or run elsewhere.
constexpr std::string_view kFields =
    "Connection: close\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n";

}  // namespace

// ---- a connection ----

class HttpServer::Connection final : private IoHandler, private Deadline {
 public:
  Connection(HttpServer& server, Fd fd, bool loopback_names)
      : server_(server),
        fd_(std::move(fd)),
        watcher_(server.loop_, fd_.get(), *this),
        loopback_names_(loopback_names) {
    watcher_.watch_read(true);
    server_.wheel_.set(*this, limits::kRequestTime);
  }
  bool gone() const { return gone_; }

 private:
  void on_readable() override;
  void on_writable() override { send(); }
  void on_deadline() override { leave(); }
  void answer(const Request& request);
  void begin(unsigned status, std::unique_ptr<Content> content, bool chunks);
  // True while there is something to send.
  bool fill();
  void send();
  void leave();

  HttpServer& server_;
  Fd fd_;
  IoWatcher watcher_;
  const bool loopback_names_;
  std::string input_;
  std::unique_ptr<Content> content_;  // what is left of the answer
  std::string output_;
  size_t sent_ = 0;  // of output_
  bool chunks_ = false;
  bool ending_ = false;  // the last byte is in output_
  bool gone_ = false;
};

void HttpServer::Connection::on_readable() {
  std::array<char, 4096> bytes;
  const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return leave();
  input_.append(bytes.data(), static_cast<size_t>(size));
  const Request request = parse_request(input_);
  if (request.refusal != Request::kIncomplete) answer(request);
}

void HttpServer::Connection::answer(const Request& request) {
  watcher_.watch_read(false);
  unsigned status = request.refusal == 0 ? 200 : request.refusal;
  if (status == 200 && loopback_names_ && !names_loopback(request.host)) status = 421;
  std::unique_ptr<Content> content;
  if (status == 200) content = server_.site_.get(request.path);
  if (status == 200 && content == nullptr) status = 404;
  begin(status, std::move(content), request.chunks);
}

void HttpServer::Connection::begin(unsigned status, std::unique_ptr<Content> content, bool chunks) {
  content_ = std::move(content);
  if (content_ == nullptr) {
    content_ =
        std::make_unique<Text>("text/plain; charset=utf-8", concat({reason_phrase(status), "\n"}));
  }
  chunks_ = chunks;
  output_ =
      concat({"HTTP/1.1 ", std::to_string(status), " ", reason_phrase(status), "\r\n",
              "Content-Type: ", content_->type(), "\r\n", status == 405 ? "Allow: GET\r\n" : "",
              chunks_ ? "Transfer-Encoding: chunked\r\n" : "", kFields, "\r\n"});
  send();
}

bool HttpServer::Connection::fill() {
  if (sent_ < output_.size()) return true;
  if (ending_) return false;
  output_.clear();
  sent_ = 0;
  std::string piece;
  ending_ = !content_->next(piece);
  if (!chunks_) {
    output_ = std::move(piece);
  } else {
    if (!piece.empty()) {
      std::array<char, 20> size;
      char* const end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
      *end = '\0';
      output_ = concat({size.data(), "\r\n", piece, "\r\n"});
    }
    if (ending_) output_ += "0\r\n\r\n";
  }
  return sent_ < output_.size() || !ending_;
}

void HttpServer::Connection::send() {
  while (fill()) {
    const ssize_t size = ::send(fd_.get(), output_.data() + sent_, output_.size() - sent_,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN && errno != EINTR) return leave();
    if (size > 0) sent_ += static_cast<size_t>(size);
    // A piece a round: who asks for much does not keep the others waiting.
    server_.wheel_.set(*this, limits::kPieceTime);
    return watcher_.watch_write(true);
  }
  ::shutdown(fd_.get(), SHUT_WR);
  leave();
}

void HttpServer::Connection::leave() {
  gone_ = true;
  watcher_.watch_read(false);
  watcher_.watch_write(false);
  DeadlineWheel::cancel(*this);
  server_.loop_.defer(server_);
}

// ---- where it listens ----

class HttpServer::Listener final : private IoHandler {
 public:
  Listener(HttpServer& server, Fd socket, bool loopback_names)
      : server_(server),
        socket_(std::move(socket)),
        watcher_(server.loop_, socket_.get(), *this),
        loopback_names_(loopback_names) {}
  void watch(bool on) { watcher_.watch_read(on); }

 private:
  void on_readable() override { server_.accept(socket_, loopback_names_); }
  void on_writable() override {}

  HttpServer& server_;
  Fd socket_;
  IoWatcher watcher_;
  const bool loopback_names_;
};

HttpServer::HttpServer(EventLoop& loop, DeadlineWheel& wheel, Site& site)
    : loop_(loop), wheel_(wheel), site_(site) {}

HttpServer::~HttpServer() = default;

void HttpServer::listen(Fd socket, bool loopback_names) {
  listeners_.push_back(std::make_unique<Listener>(*this, std::move(socket), loopback_names));
  update_listening();
}

void HttpServer::accept(const Fd& socket, bool loopback_names) {
  Fd fd(::accept4(socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return;
  connections_.push_back(std::make_unique<Connection>(*this, std::move(fd), loopback_names));
  update_listening();
}

void HttpServer::update_listening() {
  for (const auto& listener : listeners_) {
    listener->watch(connections_.size() < limits::kMaxConnections);
  }
}

void HttpServer::run_deferred() {
  std::erase_if(connections_, [](const auto& connection) { return connection->gone(); });
  update_listening();
}

}  // namespace dmpm::metrics
