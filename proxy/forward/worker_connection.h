// WorkerConnection: one HTTP/1.1 connection to a worker's Unix socket: its socket, the response
// codec and the bytes that the worker has not taken yet. Serves one exchange after the other, of one
// group only (invariant 5), or of one client's connection only (private_connections.h).
//
//   idle --(begin)--> busy --(response complete, end_exchange)--> idle
//     |                 |
//     +---- lost -------+--> dead: it is never used again
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "base/graveyard.h"
#include "base/intrusive_list.h"
#include "proxy/http/message.h"
#include "proxy/http1/chunked_decoder.h"
#include "proxy/http1/response_parser.h"

namespace dmpm::forward {

// The exchange's side. None of these may be called after end_exchange().
class WorkerExchange {
 public:
  // How much response body the client takes now.
  virtual size_t response_room() const = 0;
  virtual void on_interim_head(const http::ResponseHead& head) = 0;
  virtual void on_response_head(const http::ResponseHead& head) = 0;
  virtual void on_response_body(std::string_view bytes) = 0;
  // The response is complete. The last call.
  virtual void on_response_end() = 0;
  // In a tunnel: the worker sends no more, but may still read.
  virtual void on_tunnel_end() = 0;
  // The connection broke or the worker talked nonsense before that. The last call.
  virtual void on_worker_lost(std::string_view detail) = 0;
  // unsent() has become 0.
  virtual void on_worker_took_all() = 0;

 protected:
  ~WorkerExchange() = default;
};

class PrivateConnections;
class WorkerConnection;

class WorkerConnectionOwner {
 public:
  // An idle connection has broken (or the worker ended it). Take it out of the books and bury it.
  virtual void on_idle_connection_lost(WorkerConnection& connection) = 0;

 protected:
  ~WorkerConnectionOwner() = default;
};

class WorkerConnection final : public Mortal, public ListNode<WorkerConnection>, private IoHandler {
 public:
  // `fd` is connected. `slot` is the pool's number for the worker. `input` is lent for one read.
  // `fd` does not block. SIGPIPE must be ignored.
  WorkerConnection(EventLoop& loop, Fd fd, WorkerConnectionOwner& owner, uint32_t worker,
                   std::span<char> input);
  ~WorkerConnection() override { leave_keeper(); }

  uint32_t worker() const { return worker_; }
  bool is_of(const WorkerConnectionOwner& owner) const { return &owner_ == &owner; }
  // It has served an exchange before: the worker may have ended it without our knowing yet.
  bool reused() const { return exchanges_ > 1; }
  Instant idle_since() const { return idle_since_; }

  struct RequestKind {
    bool is_head = false;
    std::string_view upgrade;   // the protocol asked for; outlives the exchange
    bool chunked_body = false;  // body pieces are framed as chunks
    Priority priority = Priority::foreground;
  };
  // Begins an exchange; only when idle.
  void begin(WorkerExchange& exchange, RequestKind kind);
  // Sends the head; what the kernel does not take waits in unsent().
  void send_head(std::string_view head);
  // The same on a new connection that begins with a PROXY header.
  void send_first_head(std::string_view proxy_header, std::string_view head);
  void send_body(std::string_view piece);
  // The last chunk, or nothing when the length was known.
  void send_body_end();
  // In a tunnel: nothing more will be sent; the worker sees the end once it has read the rest.
  void end_output();
  size_t unsent() const { return unsent_.size(); }
  // Trailer fields of a chunked response: lines with their CRLF. Valid until end_exchange().
  std::string_view trailers() const { return chunks_.trailers(); }
  // The worker has closed its reading side: what is sent goes nowhere, its answer may still come.
  bool write_broken() const { return write_broken_; }
  // Some byte of the response has arrived.
  bool response_begun() const { return response_begun_; }
  // response_room() has grown.
  void resume_reading();
  // Leaves the exchange. True when the connection may serve another one: the response was complete
  // and the worker keeps it open; the caller adds that the request was sent whole.
  bool end_exchange();
  // It is about to be destroyed: no event may reach it any more.
  void retire();

  // While it is idle: whose it is, and is told when it ends. Null: the whole group's.
  void set_keeper(PrivateConnections* keeper) { keeper_ = keeper; }
  void leave_keeper();
  // Ends it; only when idle.
  void end_idle();

 private:
  void on_readable() override;
  void on_writable() override;
  void send(std::string_view first, std::string_view second, std::string_view third);
  size_t on_input(std::string_view input);
  size_t parse_head(std::string_view bytes);
  size_t parse_body(std::string_view bytes);
  size_t decode_chunks(std::string_view bytes);
  void complete();
  void lose(std::string_view detail);
  void on_end_of_input();
  bool in_exchange() const { return exchange_ != nullptr; }

  EventLoop& loop_;
  Fd fd_;
  WorkerConnectionOwner& owner_;
  PrivateConnections* keeper_ = nullptr;
  IoWatcher watcher_;
  std::span<char> lent_input_;
  const uint32_t worker_;
  WorkerExchange* exchange_ = nullptr;  // null: idle or dead
  RequestKind kind_;
  http1::ResponseParser parser_;
  http1::ChunkedDecoder chunks_;
  Buffer input_;   // a part of a head
  Buffer unsent_;  // to the worker
  uint64_t body_left_ = 0;
  uint64_t exchanges_ = 0;
  Instant idle_since_{};
  bool in_body_ = false;
  bool response_begun_ = false;
  bool completed_ = false;
  bool write_broken_ = false;
  bool end_wanted_ = false;
  bool dead_ = false;
};

}  // namespace dmpm::forward
