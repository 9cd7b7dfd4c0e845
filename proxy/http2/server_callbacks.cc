// Http2Server, second half: what nghttp2 calls, in a request's order, and the pool that lends
// sessions their callbacks.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "proxy/http2/server.h"
#include "proxy/limits.h"

namespace dmpm::http2 {

namespace {

constexpr size_t kMaxPooled = 1024;
constexpr size_t kFrameHead = 9;
// HPACK lets 100 KB become 100,000 fields: beyond this many times head_size nobody is honest.
constexpr size_t kHopelessHead = 4;
// SETTINGS_HEADER_TABLE_SIZE, which we leave at its default (RFC 9113 6.5.2).
constexpr size_t kHpackTable = 4096;
// The overhead of RFC 9113 6.5.2 and what the static table holds of a field.
constexpr size_t kFieldFromStaticTable = 32 + 56;
// What a byte of fields costs that are decoded for nobody, in bytes of other waste.
constexpr size_t kFieldsForNothing = 8;
// What such a frame costs however short it is.
constexpr size_t kFrameForNothing = 128;
// A body's frame costs a system call towards the worker.
constexpr unsigned kDataFrame = 3;
// A cancelled request: its worker's connection is closed and made anew.
constexpr unsigned kCancelled = 12;

Http2Server& server(void* self) {
  return *static_cast<Http2Server*>(self);
}

std::string_view view(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

// ---- StreamPool ----

StreamPool::StreamPool(forward::ForwarderServices& services) : services_(services) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&options) != 0) {
    std::abort();  // without memory at start no process can do anything
  }
  callbacks_.reset(callbacks);
  options_.reset(options);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Http2Server::on_begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Http2Server::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Http2Server::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks,
                                                           Http2Server::on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Http2Server::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Http2Server::on_data_chunk);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Http2Server::on_send_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Http2Server::on_frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Http2Server::on_stream_closed);
  // A window is opened only as the worker takes the bytes.
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_max_settings(options, 16);
  nghttp2_option_set_max_outbound_ack(options, 200);
  nghttp2_option_set_builtin_recv_extension_type(options, NGHTTP2_PRIORITY_UPDATE);
}

std::unique_ptr<Http2Stream> StreamPool::take() {
  if (free_.empty()) return std::make_unique<Http2Stream>(services_);
  std::unique_ptr<Http2Stream> stream = std::move(free_.back());
  free_.pop_back();
  return stream;
}

void StreamPool::give_back(std::unique_ptr<Http2Stream> stream) {
  if (free_.size() < kMaxPooled) free_.push_back(std::move(stream));
}

// ---- input ----

bool Http2Server::pauses() {
  const unsigned most = host_.work_at_once();
  paused_ |= work_ >= most || time_taken() >= most;
  return paused_;
}

// A connection that is being ended is not listened to any longer.
int Http2Server::refuse() {
  end_with(NGHTTP2_ENHANCE_YOUR_CALM);
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Http2Server::on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* self) {
  Http2Server& me = server(self);
  if (me.ending_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  bool allowed = true;
  if (head->type == NGHTTP2_HEADERS) me.head_size_ = 0;
  if (head->type == NGHTTP2_HEADERS || head->type == NGHTTP2_CONTINUATION) {
    me.head_size_ += head->length;
  }
  switch (head->type) {
    case NGHTTP2_HEADERS:
      if (me.is_stale(head->stream_id)) me.end_with(NGHTTP2_PROTOCOL_ERROR);
      // Trailers of a stream that we have reset: decoded for nothing, and nothing pauses it.
      if (me.was_reset(head->stream_id)) {
        const size_t wasted = kFrameForNothing + head->length * kFieldsForNothing;
        allowed = me.guard_.allow_waste(me.host_.now(), wasted);
      }
      if (me.is_refused(head->stream_id)) allowed = me.guard_.allow_useless_frame(me.host_.now());
      break;
    case NGHTTP2_CONTINUATION:
      if (head->length > limits::kTlsRecord) me.end_with(NGHTTP2_FRAME_SIZE_ERROR);
      break;
    case NGHTTP2_PRIORITY:
      if (head->stream_id == 0) me.end_with(NGHTTP2_PROTOCOL_ERROR);
      allowed = me.guard_.allow_useless_frame(me.host_.now());
      break;
    case NGHTTP2_RST_STREAM: me.useful_ += kFrameHead + head->length; break;
    case NGHTTP2_DATA:
      if (head->length == 0 && (head->flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        allowed = me.guard_.allow_useless_frame(me.host_.now());
      }
      break;
    case NGHTTP2_WINDOW_UPDATE:
      allowed = me.guard_.allow_window_update(me.host_.now());
      me.useful_ += kFrameHead + head->length;
      break;
    default: allowed = me.guard_.allow_useless_frame(me.host_.now());
  }
  return allowed ? 0 : me.refuse();
}

int Http2Server::on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame,
                                  void* self) {
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  Http2Server& me = server(self);
  me.in_head_ = true;
  me.head_waste_ = 0;
  me.head_stream_ = frame->hd.stream_id;
  me.head_since_ = me.host_.now();
  std::unique_ptr<Http2Stream> stream = me.pool_.take();
  stream->begin(me, me.host_, frame->hd.stream_id);
  nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream.get());
  me.streams_.emplace(frame->hd.stream_id, std::move(stream));
  return 0;
}

int Http2Server::on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                           size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                           void* self) {
  Http2Server& me = server(self);
  Http2Stream* stream = me.find(frame->hd.stream_id);
  if (stream == nullptr || frame->hd.type != NGHTTP2_HEADERS) return 0;
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    // A request's trailers are dropped.
    const size_t total = stream->on_trailer(name_size + value_size);
    return total > me.limits_.head_size * kHopelessHead ? me.refuse() : 0;
  }
  const bool first = stream->block().total_size() == 0;
  stream->block().add(view(name, name_size), view(value, value_size));
  if (stream->block().total_size() > me.limits_.head_size * kHopelessHead) return me.refuse();
  return first && me.pauses() ? NGHTTP2_ERR_PAUSE : 0;
}

// More than the bytes that came, HPACK's table and its static one can hold: that much was said over
// and over again. A few bytes that become a head as large as is allowed are no request that anybody
// needs.
void Http2Server::judge_head(size_t decoded, size_t fields) {
  const size_t said = head_size_ + kHpackTable + fields * kFieldFromStaticTable;
  const size_t repeated = decoded - std::min(decoded, said);
  if (!guard_.allow_waste(host_.now(), repeated)) end_with(NGHTTP2_ENHANCE_YOUR_CALM);
}

// nghttp2 would drop the field and deliver the request: an ambiguous message is rejected instead.
int Http2Server::on_invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                                   const uint8_t*, size_t, uint8_t, void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM
}

int Http2Server::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  Http2Server& me = server(self);
  const bool end_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  Http2Stream* stream = frame->hd.stream_id > 0 ? me.find(frame->hd.stream_id) : nullptr;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      me.in_head_ = false;
      // It came in several reads, of which only this one completes it.
      me.guard_.return_waste(std::min(std::exchange(me.head_waste_, 0), me.head_size_));
      if (stream == nullptr) break;
      // HPACK makes a block smaller than what it says, never larger but for its frames' heads.
      me.useful_ += kFrameHead + frame->hd.length + stream->block().total_size();
      me.work_ +=
          kRequestWork + static_cast<unsigned>(stream->block().total_size() / kHeadBytesOfWork);
      if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        me.judge_head(stream->block().total_size(), stream->block().field_count());
        if (++me.requests_ == me.limits_.requests_per_connection) me.drain(Milliseconds(0));
        stream->on_head(end_stream);
      } else if (end_stream) {
        stream->on_request_end();
      }
      break;
    case NGHTTP2_DATA:
      // Nothing but padding. Not seen before its end, for nghttp2 calls for no chunk of it.
      if (!end_stream && frame->hd.length > 0 && frame->data.padlen == frame->hd.length &&
          !me.guard_.allow_useless_frame(me.host_.now())) {
        return me.refuse();
      }
      if (stream != nullptr && end_stream) stream->on_request_end();
      me.check_windows(stream);
      break;
    case NGHTTP2_RST_STREAM:
      me.work_ += kCancelled;
      if (!me.guard_.allow_reset(me.host_.now())) return me.refuse();
      break;
    case NGHTTP2_PING:
      // The answer to the PING behind a drain's first GOAWAY: the client has seen that.
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) me.send_final_goaway();
      break;
    case NGHTTP2_PRIORITY_UPDATE: {
      // RFC 9218 7.1.
      const auto* update = static_cast<const nghttp2_ext_priority_update*>(frame->ext.payload);
      if (update->stream_id == 0) me.end_with(NGHTTP2_PROTOCOL_ERROR);
      break;
    }
    default: break;
  }
  return 0;
}

int Http2Server::on_data_chunk(nghttp2_session* session, uint8_t, int32_t stream_id,
                               const uint8_t* data, size_t size, void* self) {
  Http2Server& me = server(self);
  me.useful_ += kFrameHead + size;
  me.body_bytes_ += size;
  Http2Stream* stream = me.find(stream_id);
  if (stream == nullptr) {
    nghttp2_session_consume_connection(session, size);
  } else {
    stream->on_body(view(data, size));
  }
  me.work_ += kDataFrame;
  return me.pauses() ? NGHTTP2_ERR_PAUSE : 0;
}

// Bodies that are gathered must not wait for bytes for which their client has no window: windows
// open only as bodies are taken, and nghttp2 tells the client when half of one has been.
void Http2Server::check_windows(Http2Stream* stream) {
  if (stream != nullptr) {
    const int32_t left = nghttp2_session_get_stream_local_window_size(session_.get(), stream->id());
    stream->on_window(static_cast<size_t>(std::max(left, 0)));
  }
  if (nghttp2_session_get_local_window_size(session_.get()) >= kConnectionWindow / 2) return;
  for (auto& [id, each] : streams_) each->stop_gathering();
}

// ---- output ----

ssize_t Http2Server::on_read_output(nghttp2_session*, int32_t, uint8_t*, size_t size,
                                    uint32_t* flags, nghttp2_data_source* source, void* self) {
  auto& stream = *static_cast<Http2Stream*>(source->ptr);
  const size_t ready = std::min(stream.output().size(), size);
  const bool last = stream.output_ended() && ready == stream.output().size();
  if (ready == 0 && !last) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (last) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (last && !stream.trailers().empty()) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    server(self).submit_trailers(stream);
  }
  return static_cast<ssize_t>(ready);
}

int Http2Server::on_send_data(nghttp2_session*, nghttp2_frame* frame, const uint8_t* frame_head,
                              size_t size, nghttp2_data_source* source, void* self) {
  Http2Server& me = server(self);
  if (me.host_.unsent() >= kMaxUnsent) return NGHTTP2_ERR_WOULDBLOCK;
  auto& stream = *static_cast<Http2Stream*>(source->ptr);
  me.host_.write(view(frame_head, kFrameHead));
  // We never pad.
  if (frame->data.padlen > 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
  me.host_.write(stream.output().substr(0, size));
  stream.consume_output(size, me.host_.now());
  me.guard_.note_data_sent(size, stream.output().empty());
  return 0;
}

int Http2Server::on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  Http2Server& me = server(self);
  if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
    me.host_.hold_back();
  }
  if (frame->hd.type == NGHTTP2_RST_STREAM) {
    me.note_reset(frame->rst_stream);
    return 0;
  }
  const bool data_or_headers = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
  if (!data_or_headers || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  if (Http2Stream* stream = me.find(frame->hd.stream_id)) stream->on_end_sent();
  return 0;
}

int Http2Server::on_stream_closed(nghttp2_session* session, int32_t stream_id, uint32_t,
                                  void* self) {
  Http2Server& me = server(self);
  if (stream_id == me.head_stream_) me.in_head_ = false;  // it was malformed
  const auto it = me.streams_.find(stream_id);
  if (it == me.streams_.end()) return 0;
  nghttp2_session_set_stream_user_data(session, stream_id, nullptr);
  std::unique_ptr<Http2Stream> stream = std::move(it->second);
  me.streams_.erase(it);
  stream->end();
  me.pool_.give_back(std::move(stream));
  if (!me.streams_.empty()) return 0;
  me.idle_since_ = me.host_.now();
  if (!me.draining_ && !me.closing_) me.host_.expect_within(kRest);
  return 0;
}

}  // namespace dmpm::http2
