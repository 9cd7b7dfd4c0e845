// Http2Stream: one request and its response on an HTTP/2 connection: its header block, the response
// body that waits for the client's window, and the forwarder that serves it. Pooled.
//
//   request:   headers -> body -> ended      (or discarded, once the response is over)
//   response:  awaited -> body -> ended      (or reset)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "proxy/forward/exchange.h"
#include "proxy/forward/forwarder.h"
#include "proxy/http2/header_block.h"
#include "proxy/net/session.h"

namespace dmpm::http2 {

class Http2Stream;

// What a stream asks of its connection: the calls of nghttp2 that it needs, in our words.
class StreamOwner {
 public:
  virtual void submit_interim(Http2Stream& stream, const http::ResponseHead& head) = 0;
  // `has_body`: output() will be asked for.
  virtual void submit_head(Http2Stream& stream, const http::ResponseHead& head, bool has_body) = 0;
  // END_STREAM is out, and nothing that the client may still say matters.
  virtual void refuse_rest(Http2Stream& stream) = 0;
  // output() has something new to give.
  virtual void resume_output(Http2Stream& stream) = 0;
  // The worker took `size` bytes of request body: the client may send as many more.
  virtual void open_window(Http2Stream& stream, size_t size) = 0;
  // The same for the connection's window alone: the stream is closed.
  virtual void open_connection_window(size_t size) = 0;
  // RST_STREAM with INTERNAL_ERROR: what was sent must not look complete.
  virtual void reset(Http2Stream& stream) = 0;
  // How much response body all streams together may still take in.
  virtual size_t room() const = 0;
  virtual void count_buffered(ptrdiff_t change) = 0;

 protected:
  ~StreamOwner() = default;
};

class Http2Stream final : private forward::Exchange {
 public:
  explicit Http2Stream(forward::ForwarderServices& services)
      : limits_(services.limits), forwarder_(services), block_(services.limits) {}

  void begin(StreamOwner& owner, net::SessionHost& host, int32_t id);
  // The stream is closed, by whom so ever. The last call before it is pooled.
  void end();

  int32_t id() const { return id_; }
  HeaderBlock& block() { return block_; }
  // The header block is complete.
  void on_head(bool end_stream);
  void on_body(std::string_view bytes);
  // One trailer field; how many bytes of them there were by now.
  size_t on_trailer(size_t size);
  void on_request_end();
  // The client may send `window` more bytes of body before some are granted.
  void on_window(size_t window);
  void stop_gathering() { forwarder_.stop_gathering(); }
  void on_room();

  // ---- what the connection sends ----
  std::string_view output() const { return output_.view(); }
  void consume_output(size_t size, Instant now);
  // Nothing will come behind output().
  bool output_ended() const { return output_ended_; }
  // END_STREAM is out.
  void on_end_sent();
  const std::string& trailers() const { return trailers_; }

  // ---- time: true when the stream is overdue ----
  // Response bytes wait for a window that the client does not open.
  bool output_overdue(Instant now) const;
  // The request body does not move as it must; 408 has been answered where that was possible.
  void check_body(Instant now);

 private:
  // forward::Exchange
  Priority priority() const override { return host_->priority(); }
  void set_group_overdrawn(bool overdrawn) override { host_->set_group_overdrawn(overdrawn); }
  forward::PrivateConnections& private_connections() override {
    return host_->private_connections();
  }
  bool input_ended() const override { return request_ended_; }
  void grant(size_t size) override;
  size_t room() const override;
  size_t unsent() const override { return output_.size(); }
  void send_interim(const http::ResponseHead& head) override;
  void send_head(const http::ResponseHead& head) override;
  void send_body(std::string_view bytes) override;
  void finish(std::string_view trailers) override;
  void end_output() override;
  void abort() override;
  void refuse_rest_if_over();
  void reject(const http::Rejection& why);

  const ClientLimits& limits_;
  forward::Forwarder forwarder_;
  HeaderBlock block_;
  StreamOwner* owner_ = nullptr;
  net::SessionHost* host_ = nullptr;
  int32_t id_ = 0;
  Buffer output_;
  std::string trailers_;
  Instant output_since_{};  // when the client last took output, or output began to wait
  Instant body_since_{};
  uint64_t body_received_ = 0;
  uint64_t body_checked_ = 0;
  size_t trailer_bytes_ = 0;
  size_t held_ = 0;  // request body taken from the client's window, not yet granted again
  bool head_sent_ = false;
  bool request_ended_ = false;
  bool output_ended_ = false;
  bool end_sent_ = false;  // END_STREAM
  bool finished_ = false;  // the exchange is over
};

}  // namespace dmpm::http2
