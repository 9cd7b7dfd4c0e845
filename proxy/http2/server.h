// Http2Server: the session of an HTTP/2 connection (RFC 9113), by nghttp2, which does the framing,
// HPACK, flow control and priorities (RFC 9218). What nghttp2 leaves to the application is done
// here: caps on everything, budgets against abuse, time-outs. Streams are routed each by its own
// authority.
//
// Memory of a connection, at most: nghttp2's 25 KiB and what waits to be sent (heads of twice kMaxStreams
// responses, for those of reset streams are among them), kMaxBuffered of responses, one connection window
// (kConnectionWindow) of request bodies, and for each of kMaxStreams streams head_size twice, as it came
// and as it is forwarded; all but the first twice, for blocks grow by doubling. With the default limits
// 31 MiB (docs/architecture.md).
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/buffer.h"
#include "proxy/http2/abuse_guard.h"
#include "proxy/http2/session_memory.h"
#include "proxy/http2/stream.h"
#include "proxy/net/session.h"
#include "proxy/net/shares.h"

namespace dmpm::http2 {

// Streams that are not in use, and what all HTTP/2 connections share.
class StreamPool {
 public:
  explicit StreamPool(forward::ForwarderServices& services);
  const ClientLimits& limits() const { return services_.limits; }
  std::unique_ptr<Http2Stream> take();
  void give_back(std::unique_ptr<Http2Stream> stream);
  const nghttp2_session_callbacks* callbacks() const { return callbacks_.get(); }
  const nghttp2_option* options() const { return options_.get(); }
  SessionSlots& slots() { return slots_; }

 private:
  struct Deleter {
    void operator()(nghttp2_session_callbacks* callbacks) const {
      nghttp2_session_callbacks_del(callbacks);
    }
    void operator()(nghttp2_option* options) const { nghttp2_option_del(options); }
  };
  forward::ForwarderServices& services_;
  std::vector<std::unique_ptr<Http2Stream>> free_;
  SessionSlots slots_;
  std::unique_ptr<nghttp2_session_callbacks, Deleter> callbacks_;
  std::unique_ptr<nghttp2_option, Deleter> options_;
};

class Http2Server final : public net::Session, private StreamOwner {
 public:
  static constexpr uint32_t kMaxStreams = 128;
  static constexpr int32_t kConnectionWindow = 1024 * 1024;
  // A stream's, unless request_buffer is larger: an upload need not wait for each 64 KiB to be taken. What
  // all streams may send together is the connection's window.
  static constexpr uint64_t kStreamWindow = 256 * 1024;
  static constexpr size_t kMaxBuffered = 1024 * 1024;
  // Unsent bytes of a connection up to which its streams may add more.
  static constexpr size_t kMaxUnsent = 64 * 1024;
  // Without a stream for so long, a connection gives back pages: not between two requests of a page.
  static constexpr Milliseconds kRest{150};

  Http2Server(net::SessionHost& host, StreamPool& pool);
  ~Http2Server() override;

  // net::Session
  size_t wanted() const override;
  void on_data(std::string_view bytes) override;
  void on_end_of_input() override;
  void on_turn() override;
  void produce() override;
  void on_room() override;
  Milliseconds on_deadline() override;
  void on_lost() override;
  void drain(Milliseconds idle) override;

 private:
  friend class StreamPool;
  // StreamOwner
  void submit_interim(Http2Stream& stream, const http::ResponseHead& head) override;
  void submit_head(Http2Stream& stream, const http::ResponseHead& head, bool has_body) override;
  void refuse_rest(Http2Stream& stream) override;
  void resume_output(Http2Stream& stream) override;
  void open_window(Http2Stream& stream, size_t size) override;
  void open_connection_window(size_t size) override;
  void reset(Http2Stream& stream) override;
  size_t room() const override;
  void count_buffered(ptrdiff_t change) override;

  // nghttp2's callbacks, in a request's order.
  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* self);
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                       void* self);
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                               size_t name_size, const uint8_t* value, size_t value_size,
                               uint8_t flags, void* self);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_data_chunk(nghttp2_session*, uint8_t flags, int32_t stream_id, const uint8_t* data,
                           size_t size, void* self);
  static ssize_t on_read_output(nghttp2_session*, int32_t stream_id, uint8_t* buffer, size_t size,
                                uint32_t* flags, nghttp2_data_source* source, void* self);
  static int on_send_data(nghttp2_session*, nghttp2_frame* frame, const uint8_t* frame_head,
                          size_t size, nghttp2_data_source* source, void* self);
  static int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_stream_closed(nghttp2_session*, int32_t stream_id, uint32_t error, void* self);

  // Returns how many bytes were used: fewer than all when the rest waits for a turn.
  unsigned time_taken() const;
  void charge(size_t bytes);
  size_t feed(std::string_view bytes);
  // Whether a callback is to pause nghttp2, because this turn's work is done.
  bool pauses();
  int refuse();
  void judge_head(size_t decoded, size_t fields);
  Http2Stream* find(int32_t stream_id) const;
  bool is_stale(int32_t stream_id) const;
  bool was_reset(int32_t stream_id) const;
  void note_reset(const nghttp2_rst_stream& frame);
  bool is_refused(int32_t stream_id) const;
  void check_windows(Http2Stream* stream);
  void send_final_goaway();
  void rest();
  void end_with(uint32_t error);
  void submit_trailers(Http2Stream& stream);
  void check_queue();
  int32_t send_window(int32_t stream_id) const;
  void check_end();
  void close();

  struct SessionDeleter {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  net::SessionHost& host_;
  StreamPool& pool_;
  const ClientLimits& limits_;
  SessionMemory memory_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  std::unordered_map<int32_t, std::unique_ptr<Http2Stream>> streams_;
  AbuseGuard guard_;
  Instant idle_since_;
  Buffer rest_;             // input that waits for a turn
  Instant head_since_{};    // a header block has begun and not ended
  size_t buffered_ = 0;     // response bytes in all streams
  size_t useful_ = 0;       // input bytes of this feed() that came to something
  size_t head_size_ = 0;    // bytes of the header block as it came
  size_t head_waste_ = 0;   // what was counted as waste while the header block was incomplete
  size_t body_bytes_ = 0;   // of this feed()
  bool uploading_ = false;  // most of the last feed() was bodies
  unsigned work_ = 0;       // of this feed() (shares.h), by estimate
  std::chrono::steady_clock::time_point fed_since_{};
  uint32_t requests_ = 0;
  int32_t head_stream_ = 0;  // whose header block it is
  // Streams that we reset lately: frames for them may still be on their way. Null before the first.
  using ResetStreams = std::array<int32_t, 64>;
  std::unique_ptr<ResetStreams> reset_;
  size_t resets_ = 0;
  // Bytes of DATA that clients may have sent for some of these before they knew.
  size_t on_their_way_ = 0;
  bool in_head_ = false;
  bool paused_ = false;      // a turn was asked for
  bool queue_full_ = false;  // of frames that are no DATA
  bool draining_ = false;
  bool final_goaway_ = false;
  bool ending_ = false;   // GOAWAY with an error is submitted
  bool closing_ = false;  // the host has been told
};

}  // namespace dmpm::http2
