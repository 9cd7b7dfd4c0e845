// Http2Server, first half: what its connection and its streams ask. What nghttp2 calls is in
// server_callbacks.cc.
#include "proxy/http2/server.h"

#include <algorithm>
#include <array>

#include "proxy/http2/response_fields.h"
#include "proxy/limits.h"

namespace dmpm::http2 {

namespace {

// How long a drain waits for the answer to its PING.
constexpr Milliseconds kDrainPing{1'000};
// Unsent bytes beyond which a connection's input waits: else a client that reads nothing could make
// us answer its PINGs into memory.
constexpr size_t kMaxUnsentForInput = 256 * 1024;

// A frame's share of a write (shares.h).
constexpr unsigned kFrameOut = 3;
constexpr unsigned kMostTimesEstimate = 20;
constexpr unsigned kLeastBytesOfWork = 16;
// What nghttp2 is given at once, unless it is mostly bodies: some more than as many useless frames as are
// allowed, so that who sends these is told why the connection ends.
constexpr size_t kPiece = 8192;

std::string_view view(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

Http2Server::Http2Server(net::SessionHost& host, StreamPool& pool)
    : host_(host),
      pool_(pool),
      limits_(pool.limits()),
      memory_(pool.slots()),
      idle_since_(host.now()) {
  nghttp2_session* session = nullptr;
  nghttp2_mem memory = memory_.functions();
  if (nghttp2_session_server_new3(&session, pool.callbacks(), this, pool.options(), &memory) != 0) {
    std::abort();
  }
  session_.reset(session);
  const uint64_t window = std::max(limits_.request_buffer, kStreamWindow);
  const std::array settings{
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(window)},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                             static_cast<uint32_t>(limits_.head_size)},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  host_.expect_within(limits_.head_timeout);
  host_.request_flush();
}

Http2Server::~Http2Server() {
  on_lost();
}

Http2Stream* Http2Server::find(int32_t stream_id) const {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_.get(), stream_id));
}

// ---- input ----

size_t Http2Server::wanted() const {
  if (closing_ || ending_ || paused_ || queue_full_) return 0;
  return host_.unsent() > kMaxUnsentForInput ? 0 : limits::kReadSize;
}

void Http2Server::on_data(std::string_view bytes) {
  const size_t used = feed(bytes);
  rest_.append(bytes.substr(used));
}

void Http2Server::on_turn() {
  if (!paused_) return;
  // Also without a rest: nghttp2 may have paused behind the last byte.
  Buffer rest = std::move(rest_);
  rest_ = Buffer();
  rest.consume(feed(rest.view()));
  rest_ = std::move(rest);
}

// In microseconds, of this feed().
unsigned Http2Server::time_taken() const {
  const auto taken = std::chrono::steady_clock::now() - fed_since_;
  return static_cast<unsigned>(
      std::chrono::duration_cast<std::chrono::microseconds>(taken).count());
}

// A stream may cost much more than is to be seen in its frames: a connection to a worker, all that ends
// with it. But much more time than can come of that was somebody else's: ours had to wait.
void Http2Server::charge(size_t bytes) {
  const auto most = kMostTimesEstimate * work_ + static_cast<unsigned>(bytes) / kLeastBytesOfWork;
  host_.charge(std::clamp(time_taken(), work_, most));
}

size_t Http2Server::feed(std::string_view bytes) {
  useful_ = 0;
  work_ = 0;
  body_bytes_ = 0;
  fed_since_ = std::chrono::steady_clock::now();
  paused_ = false;
  size_t used = 0;
  ssize_t result = 0;
  // Piece by piece, since of many frames nghttp2 tells nobody who could pause it. Once without bytes,
  // too: it may have paused behind the last one.
  do {
    const std::string_view piece = bytes.substr(used, uploading_ ? bytes.size() : kPiece);
    result = nghttp2_session_mem_recv(session_.get(),
                                      reinterpret_cast<const uint8_t*>(piece.data()), piece.size());
    if (result < 0) break;
    used += static_cast<size_t>(result);
  } while (used < bytes.size() && !pauses());
  charge(used);
  host_.request_flush();
  if (result < 0) {
    // Not HTTP/2 at all, or a flood that nghttp2 itself has seen.
    end_with(result == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? NGHTTP2_PROTOCOL_ERROR
                                                    : NGHTTP2_ENHANCE_YOUR_CALM);
    return bytes.size();
  }
  uploading_ = body_bytes_ > used / 2;
  size_t wasted = used - std::min(useful_, used);
  const size_t expected = std::min(on_their_way_, wasted);
  on_their_way_ -= expected;
  wasted -= expected;
  if (!guard_.allow_waste(host_.now(), wasted)) end_with(NGHTTP2_ENHANCE_YOUR_CALM);
  if (in_head_) head_waste_ += wasted;
  if (paused_) host_.request_turn();
  return used;
}

// RFC 9113 8.1: the answer is complete, the rest of the request is of no use.
void Http2Server::refuse_rest(Http2Stream& stream) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id(), NGHTTP2_NO_ERROR);
  host_.request_flush();
}

void Http2Server::open_window(Http2Stream& stream, size_t size) {
  nghttp2_session_consume(session_.get(), stream.id(), size);
  host_.request_flush();
}

void Http2Server::open_connection_window(size_t size) {
  nghttp2_session_consume_connection(session_.get(), size);
  host_.request_flush();
}

// A stream that is over, or was passed over (RFC 9113 5.1.1); not one that we reset, of which the
// client may not know yet.
bool Http2Server::is_stale(int32_t stream_id) const {
  return stream_id % 2 == 1 &&
         stream_id <= nghttp2_session_get_last_proc_stream_id(session_.get()) &&
         find(stream_id) == nullptr && !was_reset(stream_id);
}

// By us, lately.
bool Http2Server::was_reset(int32_t stream_id) const {
  return reset_ != nullptr && find(stream_id) == nullptr &&
         std::find(reset_->begin(), reset_->end(), stream_id) != reset_->end();
}

// nghttp2 passes over what still comes for such a stream and tells nobody. Where the client was not at
// fault (an upload was answered early, a worker died) it had a window for that.
void Http2Server::note_reset(const nghttp2_rst_stream& frame) {
  const int32_t id = frame.hd.stream_id;
  if (reset_ == nullptr) reset_ = std::make_unique<ResetStreams>();
  (*reset_)[resets_++ % reset_->size()] = id;
  if (frame.error_code == NGHTTP2_NO_ERROR || frame.error_code == NGHTTP2_INTERNAL_ERROR) {
    const int32_t window = nghttp2_session_get_stream_local_window_size(session_.get(), id);
    on_their_way_ += static_cast<size_t>(std::max(window, 0));
    on_their_way_ = std::min<size_t>(on_their_way_, kConnectionWindow);
  }
  // Ours count as well: a client can make us reset without end (CVE-2025-8671).
  if (frame.error_code != NGHTTP2_NO_ERROR && !guard_.allow_reset(host_.now())) {
    end_with(NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

// A new stream beyond kMaxStreams: nghttp2 answers RST_STREAM and tells nobody.
bool Http2Server::is_refused(int32_t stream_id) const {
  return streams_.size() >= kMaxStreams && find(stream_id) == nullptr &&
         stream_id > nghttp2_session_get_last_proc_stream_id(session_.get());
}

void Http2Server::on_end_of_input() {
  // A client that sends no more cannot open windows either.
  close();
}

// ---- output ----

void Http2Server::submit_interim(Http2Stream& stream, const http::ResponseHead& head) {
  const ResponseFields fields(head, head.status);
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream.id(), nullptr, fields.data(),
                         fields.size(), nullptr);
  host_.request_flush();
}

void Http2Server::submit_head(Http2Stream& stream, const http::ResponseHead& head, bool has_body) {
  const ResponseFields fields(head, head.status == 101 ? 200 : head.status);
  nghttp2_data_provider provider{};
  provider.source.ptr = &stream;
  provider.read_callback = on_read_output;
  nghttp2_submit_response(session_.get(), stream.id(), fields.data(), fields.size(),
                          has_body ? &provider : nullptr);
  host_.request_flush();
}

void Http2Server::resume_output(Http2Stream& stream) {
  nghttp2_session_resume_data(session_.get(), stream.id());
  host_.request_flush();
}

void Http2Server::submit_trailers(Http2Stream& stream) {
  const ResponseFields fields(stream.trailers());
  nghttp2_submit_trailer(session_.get(), stream.id(), fields.data(), fields.size());
}

// Before the round's bytes leave: all that is ready, in as few records as it fits.
void Http2Server::produce() {
  if (closing_) return;
  unsigned work = 0;
  while (host_.unsent() < kMaxUnsent) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (size < 0) return close();
    if (size == 0) break;
    host_.write(view(data, static_cast<size_t>(size)));
    work += kFrameOut;
    if (work >= host_.work_at_once()) {
      host_.request_flush();  // the rest when it is its turn again
      break;
    }
  }
  check_queue();
  check_end();
}

// Heads of streams that the client has reset stay in nghttp2's queue until it takes what is before them:
// who does not read gets to say nothing more.
void Http2Server::check_queue() {
  const bool full = nghttp2_session_get_outbound_queue_size(session_.get()) > kMaxStreams;
  if (std::exchange(queue_full_, full) != full) host_.update_reading();
}

void Http2Server::reset(Http2Stream& stream) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id(), NGHTTP2_INTERNAL_ERROR);
  host_.request_flush();
}

size_t Http2Server::room() const {
  return buffered_ >= kMaxBuffered ? 0 : kMaxBuffered - buffered_;
}

void Http2Server::count_buffered(ptrdiff_t change) {
  buffered_ = static_cast<size_t>(static_cast<ptrdiff_t>(buffered_) + change);
}

void Http2Server::on_room() {
  if (closing_) return;
  produce();
  for (auto& [id, stream] : streams_) stream->on_room();
}

// ---- time ----

// What the client lets the stream send now, by its windows.
int32_t Http2Server::send_window(int32_t stream_id) const {
  return std::min(nghttp2_session_get_stream_remote_window_size(session_.get(), stream_id),
                  nghttp2_session_get_remote_window_size(session_.get()));
}

Milliseconds Http2Server::on_deadline() {
  const Instant now = host_.now();
  const Milliseconds idle = now - idle_since_;
  const bool listens = wanted() > 0;  // what we do not read cannot come
  if (listens && in_head_ && now - head_since_ >= limits_.head_timeout) {
    end_with(NGHTTP2_ENHANCE_YOUR_CALM);
  }
  if (streams_.empty() && idle >= limits_.idle_timeout) end_with(NGHTTP2_NO_ERROR);
  std::vector<int32_t> open;  // a check may close its stream
  for (const auto& [id, stream] : streams_) open.push_back(id);
  for (const int32_t id : open) {
    Http2Stream* stream = find(id);
    if (stream == nullptr) continue;
    if (stream->output_overdue(now) && (host_.unsent() == 0 || send_window(id) <= 0)) {
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    } else if (listens) {
      stream->check_body(now);
    }
  }
  send_final_goaway();
  host_.request_flush();
  const Milliseconds next = std::min(
      {limits_.head_timeout, limits_.idle_timeout, limits_.body_timeout, limits_.send_timeout});
  if (!streams_.empty()) return next;  // the last one's end is the time
  if (idle < kRest) return std::min(next, kRest - idle);
  rest();
  return next;
}

void Http2Server::rest() {
  if (nghttp2_session_want_write(session_.get()) == 0) memory_.give_back_pages();
}

// ---- the end ----

void Http2Server::end_with(uint32_t error) {
  if (ending_) return;
  ending_ = true;
  nghttp2_session_terminate_session(session_.get(), error);
  host_.request_flush();
}

// A client of HTTP/2 is told which requests were not taken, and sends them again elsewhere.
void Http2Server::drain(Milliseconds) {
  if (draining_ || ending_) return;
  draining_ = true;
  // RFC 9113 6.8: first "soon", and when the client has seen that, "now".
  nghttp2_submit_shutdown_notice(session_.get());
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  host_.expect_within(kDrainPing);
  host_.request_flush();
}

void Http2Server::send_final_goaway() {
  if (!draining_ || final_goaway_) return;
  final_goaway_ = true;
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

void Http2Server::check_end() {
  const bool done = nghttp2_session_want_read(session_.get()) == 0 &&
                    nghttp2_session_want_write(session_.get()) == 0;
  if (done || (final_goaway_ && streams_.empty())) close();
}

void Http2Server::close() {
  if (closing_) return;
  closing_ = true;
  host_.close(!ending_);  // who is sent away is not listened to any longer
}

void Http2Server::on_lost() {
  closing_ = true;
  while (!streams_.empty()) {
    const auto it = streams_.begin();
    std::unique_ptr<Http2Stream> stream = std::move(it->second);
    streams_.erase(it);
    stream->end();
    pool_.give_back(std::move(stream));
  }
}

}  // namespace dmpm::http2
