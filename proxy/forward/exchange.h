// Exchange: one request and its response, as the forwarder sees the client's side of it. Written
// once against this, the forwarder does not know which protocol it serves.
//
// Order of calls:
//   handler                              exchange
//   (start, by the session)
//   on_request_body*  on_request_end     grant*                       request body, by credit
//                                        send_interim* send_head send_body* finish
//   on_room                                                           response body, by room()
// The response may come before the request's end. finish() or abort() comes exactly once and is the
// last call in either direction, unless on_client_lost came first, which then is the last.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/event_loop.h"
#include "proxy/http/message.h"

namespace dmpm::forward {

class PrivateConnections;

class Exchange {
 public:
  // Of what is done for this exchange.
  virtual Priority priority() const = 0;
  // Whether its group has taken more than its part: then what is done for the connection waits for
  // others, until its next request says otherwise.
  virtual void set_group_overdrawn(bool overdrawn) = 0;
  // Of the client's connection; made at the first call.
  virtual PrivateConnections& private_connections() = 0;
  // In a tunnel that has just begun: the client had ended its side before.
  virtual bool input_ended() const = 0;
  // The forwarder has passed on `size` bytes of request body: so many more may come. An exchange
  // begins with a credit of its session's choice, ClientLimits::request_buffer at least.
  virtual void grant(size_t size) = 0;

  // How much response body it will take now. Asked before each read from the worker.
  virtual size_t room() const = 0;
  // Bytes that were sent and have not left.
  virtual size_t unsent() const = 0;
  // A 1xx head; only to clients that can take it.
  virtual void send_interim(const http::ResponseHead& head) = 0;
  // The final head. With status 101 the exchange becomes a tunnel: bytes both ways, unframed.
  virtual void send_head(const http::ResponseHead& head) = 0;
  // Takes all of it.
  virtual void send_body(std::string_view bytes) = 0;
  // The response is complete; `trailers` are field lines, each with its CRLF, or empty. May destroy
  // the handler.
  virtual void finish(std::string_view trailers) = 0;
  // In a tunnel: the worker sends no more; what the client sends is still passed on.
  virtual void end_output() = 0;
  // The response cannot be completed: the client must not take it for whole. May destroy the handler.
  virtual void abort() = 0;

 protected:
  ~Exchange() = default;
};

class ExchangeHandler {
 public:
  virtual void on_request_body(std::string_view bytes) = 0;
  // Also in a tunnel: the client sends no more, but still reads.
  virtual void on_request_end() = 0;
  // room() has grown.
  virtual void on_room() = 0;
  // The client has gone, or broke its request's framing. The exchange is over.
  virtual void on_client_lost() = 0;

 protected:
  ~ExchangeHandler() = default;
};

}  // namespace dmpm::forward
