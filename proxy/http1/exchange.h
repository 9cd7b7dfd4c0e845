// Http1Exchange: one request and its response on an HTTP/1 connection: the request's codec, the
// response's framing, and the forwarder that serves it. Pooled: an idle connection has none.
//
//   request:   head -> body -> ended            (body: by length or chunked; may be skipped)
//   response:  awaited -> body -> ended         (the response may end before the request)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/forward/exchange.h"
#include "proxy/forward/forwarder.h"
#include "proxy/http1/chunked_decoder.h"
#include "proxy/http1/request_parser.h"
#include "proxy/net/session.h"

namespace dmpm::http1 {

// What the exchange needs of its session.
class ExchangeOwner {
 public:
  // The response is complete or was aborted.
  virtual void on_response_over() = 0;
  // More request body may be read.
  virtual void on_credit() = 0;

 protected:
  ~ExchangeOwner() = default;
};

class Http1Exchange final : private forward::Exchange {
 public:
  enum class RequestState : uint8_t { head, body, ended, broken };
  enum class ResponseState : uint8_t { awaited, body, ended, aborted };

  explicit Http1Exchange(forward::ForwarderServices& services)
      : limits_(services.limits), forwarder_(services), parser_(services.limits) {}

  // Takes it out of the pool, for the next request of a connection.
  void begin(ExchangeOwner& owner, net::SessionHost& host);
  // Uses bytes from the front of `input`, which begins with the first byte not used so far.
  // Returns how many it used; stops at the request's end.
  size_t take(std::string_view input);
  // Answers with an error page and ends the connection.
  void reject(unsigned status, std::string_view reason);
  // The client has gone.
  void on_client_lost();
  // In a tunnel: the client sends no more.
  void end_tunnel_input();
  void on_room();

  RequestState request_state() const { return request_state_; }
  ResponseState response_state() const { return response_state_; }
  bool in_tunnel() const { return tunnel_; }
  // The connection must not be used again after this exchange.
  bool closes() const { return closes_; }
  void close_after() { closes_ = true; }
  // How much request body may be taken now.
  size_t credit() const { return credit_; }
  uint64_t body_received() const { return body_received_; }
  // Request body that came after the response was over.
  uint64_t discarded() const { return discarded_; }

 private:
  // forward::Exchange
  Priority priority() const override { return host_->priority(); }
  void set_group_overdrawn(bool overdrawn) override { host_->set_group_overdrawn(overdrawn); }
  forward::PrivateConnections& private_connections() override {
    return host_->private_connections();
  }
  bool input_ended() const override { return false; }  // the session sees to it (check_input_end())
  void grant(size_t size) override;
  size_t room() const override;
  size_t unsent() const override { return host_->unsent(); }
  void send_interim(const http::ResponseHead& head) override;
  void send_head(const http::ResponseHead& head) override;
  void send_body(std::string_view bytes) override;
  void finish(std::string_view trailers) override;
  void end_output() override;
  void abort() override;

  size_t take_head(std::string_view input);
  size_t take_body(std::string_view input);
  size_t take_chunks(std::string_view input);
  void deliver(std::string_view body);
  void end_request();
  void reject(const http::Rejection& why) { reject(why.status, why.reason); }

  const ClientLimits& limits_;
  forward::Forwarder forwarder_;
  RequestParser parser_;
  ChunkedDecoder chunks_;
  std::string out_;  // heads are made here; keeps its memory
  ExchangeOwner* owner_ = nullptr;
  net::SessionHost* host_ = nullptr;
  RequestState request_state_ = RequestState::head;
  ResponseState response_state_ = ResponseState::awaited;
  uint64_t body_left_ = 0;
  uint64_t body_received_ = 0;
  uint64_t discarded_ = 0;
  size_t credit_ = 0;
  bool chunked_request_ = false;
  bool chunked_response_ = false;
  bool http_1_0_ = false;
  bool tunnel_ = false;
  bool closes_ = false;
};

}  // namespace dmpm::http1
