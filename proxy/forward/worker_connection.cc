#include "proxy/forward/worker_connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "proxy/forward/private_connections.h"
#include "proxy/limits.h"

namespace dmpm::forward {

using http1::ChunkedDecoder;
using http1::ResponseParser;

WorkerConnection::WorkerConnection(EventLoop& loop, Fd fd, WorkerConnectionOwner& owner,
                                   uint32_t worker, std::span<char> input)
    : loop_(loop),
      fd_(std::move(fd)),
      owner_(owner),
      watcher_(loop, fd_.get(), *this),
      lent_input_(input),
      worker_(worker),
      idle_since_(loop.now()) {
  watcher_.watch_read(true);
}

// ---- the request ----

void WorkerConnection::begin(WorkerExchange& exchange, RequestKind kind) {
  exchange_ = &exchange;
  kind_ = kind;
  watcher_.set_priority(kind.priority);
  ++exchanges_;
  parser_.reset(kind.is_head, kind.upgrade);
  in_body_ = response_begun_ = completed_ = false;
}

void WorkerConnection::send_head(std::string_view head) {
  send(head, {}, {});
}

// In one piece: some servers take no header that comes in two.
void WorkerConnection::send_first_head(std::string_view proxy_header, std::string_view head) {
  send(proxy_header, head, {});
}

void WorkerConnection::send_body(std::string_view piece) {
  if (piece.empty()) return;  // an empty chunk would be the last one
  if (!kind_.chunked_body) return send(piece, {}, {});
  char size[18];
  char* end = std::to_chars(size, size + 16, piece.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  send({size, static_cast<size_t>(end - size)}, piece, "\r\n");
}

void WorkerConnection::send_body_end() {
  if (kind_.chunked_body) send("0\r\n\r\n", {}, {});
}

void WorkerConnection::end_output() {
  end_wanted_ = true;
  if (unsent_.empty()) ::shutdown(fd_.get(), SHUT_WR);
}

void WorkerConnection::send(std::string_view first, std::string_view second,
                            std::string_view third) {
  std::array pieces{first, second, third};
  if (write_broken_) return;
  if (unsent_.empty()) {
    std::array<iovec, 3> parts;
    for (size_t i = 0; i < pieces.size(); ++i) {
      parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    // Not sendmsg(), which could send a descriptor along and is forbidden to a dispatcher therefore.
    ssize_t sent = ::writev(fd_.get(), parts.data(), second.empty() ? 1 : 3);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) write_broken_ = true;
      if (write_broken_) return;
      sent = 0;
    }
    for (std::string_view& piece : pieces) {
      const size_t gone = std::min(piece.size(), static_cast<size_t>(sent));
      piece.remove_prefix(gone);
      sent -= static_cast<ssize_t>(gone);
    }
  }
  for (const std::string_view piece : pieces) unsent_.append(piece);
  if (!unsent_.empty()) watcher_.watch_write(true);
}

void WorkerConnection::on_writable() {
  const std::string_view bytes = unsent_.view();
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    // Its answer may be there to read all the same (RFC 9112 9.5).
    write_broken_ = true;
    unsent_.clear();
  } else {
    unsent_.consume(static_cast<size_t>(sent));
  }
  if (!unsent_.empty()) return;
  watcher_.watch_write(false);
  if (end_wanted_) ::shutdown(fd_.get(), SHUT_WR);
  if (in_exchange()) exchange_->on_worker_took_all();
}

// ---- the response ----

void WorkerConnection::on_readable() {
  size_t wanted = lent_input_.size();
  if (in_exchange() && in_body_) {
    wanted = std::min(wanted, exchange_->response_room());
    if (wanted == 0) return watcher_.watch_read(false);
  }
  const ssize_t size = ::recv(fd_.get(), lent_input_.data(), wanted, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // Closed while idle, or bytes that nobody asked for: of no use to anybody.
  if (!in_exchange()) return end_idle();
  if (size < 0) return lose(std::strerror(errno));
  if (size == 0) return on_end_of_input();
  response_begun_ = true;
  const std::string_view bytes{lent_input_.data(), static_cast<size_t>(size)};
  if (input_.empty()) {
    const size_t used = on_input(bytes);
    if (in_exchange()) input_.append(bytes.substr(used));
    return;
  }
  Buffer all = std::move(input_);
  input_ = Buffer();
  all.append(bytes);
  all.consume(on_input(all.view()));
  if (in_exchange()) input_ = std::move(all);
}

// Returns the bytes used: all but a part of a head.
size_t WorkerConnection::on_input(std::string_view input) {
  std::string_view bytes = input;
  while (!bytes.empty() && in_exchange() && !completed_) {
    if (!in_body_) {
      const size_t used = parse_head(bytes);
      if (used == 0) return input.size() - bytes.size();
      bytes.remove_prefix(used);
    } else {
      bytes.remove_prefix(parse_body(bytes));
    }
  }
  // Behind a complete response nothing may come: it would be taken for the answer to the next request.
  if (completed_ && !bytes.empty()) dead_ = true;
  if (completed_ && in_exchange()) exchange_->on_response_end();
  return input.size();
}

// Returns the bytes used: 0 when the head is incomplete or the exchange was left.
size_t WorkerConnection::parse_head(std::string_view bytes) {
  switch (parser_.parse(bytes)) {
    case ResponseParser::Progress::incomplete: return 0;
    case ResponseParser::Progress::rejected: return lose(parser_.rejection().reason), 0;
    case ResponseParser::Progress::complete: break;
  }
  const size_t size = parser_.size();
  if (parser_.interim()) {
    exchange_->on_interim_head(parser_.head());
    parser_.reset(kind_.is_head, kind_.upgrade);
    return in_exchange() ? size : 0;
  }
  in_body_ = true;
  body_left_ = parser_.head().content_length;
  chunks_.reset();
  const ResponseParser::Framing framing = parser_.framing();
  exchange_->on_response_head(parser_.head());
  if (!in_exchange()) return 0;
  if (framing == ResponseParser::Framing::none ||
      (framing == ResponseParser::Framing::length && body_left_ == 0)) {
    complete();
  }
  return size;
}

size_t WorkerConnection::parse_body(std::string_view bytes) {
  switch (parser_.framing()) {
    case ResponseParser::Framing::chunked: return decode_chunks(bytes);
    case ResponseParser::Framing::length: {
      const auto size = static_cast<size_t>(std::min<uint64_t>(body_left_, bytes.size()));
      body_left_ -= size;
      exchange_->on_response_body(bytes.substr(0, size));
      if (body_left_ == 0 && in_exchange()) complete();
      return size;
    }
    case ResponseParser::Framing::until_close:
    case ResponseParser::Framing::tunnel: exchange_->on_response_body(bytes); return bytes.size();
    case ResponseParser::Framing::none: break;
  }
  return bytes.size();
}

size_t WorkerConnection::decode_chunks(std::string_view bytes) {
  std::string_view rest = bytes, data;
  switch (chunks_.decode(rest, data)) {
    case ChunkedDecoder::Progress::data: exchange_->on_response_body(data); break;
    case ChunkedDecoder::Progress::complete: complete(); break;
    case ChunkedDecoder::Progress::incomplete: break;
    case ChunkedDecoder::Progress::rejected: lose("the worker sent a malformed chunk"); break;
  }
  return bytes.size() - rest.size();
}

void WorkerConnection::complete() {
  completed_ = true;
}

void WorkerConnection::on_end_of_input() {
  watcher_.watch_read(false);
  if (in_body_ && parser_.framing() == ResponseParser::Framing::tunnel) {
    dead_ = true;
    return exchange_->on_tunnel_end();
  }
  if (!in_body_ || parser_.framing() != ResponseParser::Framing::until_close) {
    return lose(response_begun_ ? "the worker closed the connection in the middle of its response"
                                : "the worker closed the connection without a response");
  }
  dead_ = true;
  complete();
  exchange_->on_response_end();
}

void WorkerConnection::lose(std::string_view detail) {
  dead_ = true;
  watcher_.watch_read(false);
  watcher_.watch_write(false);
  exchange_->on_worker_lost(detail);
}

void WorkerConnection::resume_reading() {
  if (!dead_) watcher_.watch_read(true);
}

void WorkerConnection::end_idle() {
  retire();
  owner_.on_idle_connection_lost(*this);
}

void WorkerConnection::leave_keeper() {
  if (keeper_ != nullptr) std::exchange(keeper_, nullptr)->forget(*this);
}

void WorkerConnection::retire() {
  leave_keeper();
  dead_ = true;
  watcher_.watch_read(false);
  watcher_.watch_write(false);
}

bool WorkerConnection::end_exchange() {
  exchange_ = nullptr;
  idle_since_ = loop_.now();
  const bool reusable = completed_ && !dead_ && !write_broken_ && unsent_.empty() &&
                        parser_.keep_alive() &&
                        parser_.framing() != ResponseParser::Framing::tunnel;
  if (!reusable) {
    retire();
  } else {
    watcher_.watch_read(true);
  }
  return reusable;
}

}  // namespace dmpm::forward
