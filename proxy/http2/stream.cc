#include "proxy/http2/stream.h"

#include <algorithm>

#include "proxy/http/request_rules.h"
#include "proxy/limits.h"

namespace dmpm::http2 {

namespace {
constexpr http::Rejection kTrailersTooLong{400, "the request's trailers are too long"};
constexpr http::Rejection kBodyTooSlow{408, "the request's body did not arrive in time"};
}  // namespace

void Http2Stream::begin(StreamOwner& owner, net::SessionHost& host, int32_t id) {
  owner_ = &owner;
  host_ = &host;
  id_ = id;
  trailers_.clear();
  body_received_ = body_checked_ = 0;
  held_ = trailer_bytes_ = 0;
  head_sent_ = request_ended_ = output_ended_ = end_sent_ = finished_ = false;
  output_since_ = body_since_ = host.now();
}

void Http2Stream::end() {
  if (forwarder_.active()) forwarder_.on_client_lost();
  if (held_ > 0) owner_->open_connection_window(std::exchange(held_, 0));
  owner_->count_buffered(-static_cast<ptrdiff_t>(output_.size()));
  output_.clear();
  block_.reset();
}

// ---- the request ----

void Http2Stream::on_head(bool end_stream) {
  request_ended_ = end_stream;
  if (const http::Rejection* why = block_.finish(end_stream)) return reject(*why);
  body_since_ = host_->now();
  forwarder_.start(*this, block_.head(), host_->client());
}

void Http2Stream::reject(const http::Rejection& why) {
  if (head_sent_) {
    if (forwarder_.active()) forwarder_.on_client_lost();
    return abort();
  }
  forwarder_.reject(*this, forward::bad_request(why.status, why.reason), block_.head().is_head,
                    host_->client());
}

void Http2Stream::on_body(std::string_view bytes) {
  body_received_ += bytes.size();
  if (!forwarder_.active()) return owner_->open_window(*this, bytes.size());  // thrown away
  held_ += bytes.size();
  if (limits_.body_size > 0 && body_received_ > limits_.body_size) {
    return reject(http::kBodyTooLarge);
  }
  forwarder_.on_request_body(bytes);
}

size_t Http2Stream::on_trailer(size_t size) {
  const bool fitted = trailer_bytes_ <= limits::kMaxTrailers;
  trailer_bytes_ += size;
  if (fitted && trailer_bytes_ > limits::kMaxTrailers) reject(kTrailersTooLong);
  return trailer_bytes_;
}

// Padding is flow-controlled too, so that a body of the window's size may not fit it.
void Http2Stream::on_window(size_t window) {
  const uint64_t length = block_.head().content_length;
  if (length > body_received_ && window < length - body_received_) stop_gathering();
}

void Http2Stream::on_request_end() {
  if (request_ended_) return;
  request_ended_ = true;
  // The end of what is to be a tunnel has to wait until it is one: input_ended().
  const bool waits = block_.is_extended_connect() && !head_sent_;
  if (forwarder_.active() && !waits) forwarder_.on_request_end();
}

void Http2Stream::grant(size_t size) {
  held_ -= std::min(held_, size);
  owner_->open_window(*this, size);
}

// ---- the response ----

size_t Http2Stream::room() const {
  const size_t own = limits_.response_buffer - std::min(limits_.response_buffer, output_.size());
  return std::min(own, owner_->room());
}

void Http2Stream::on_room() {
  if (forwarder_.active() && room() > 0) forwarder_.on_room();
}

void Http2Stream::send_interim(const http::ResponseHead& head) {
  owner_->submit_interim(*this, head);
}

void Http2Stream::send_head(const http::ResponseHead& worker_head) {
  head_sent_ = true;
  http::ResponseHead head = worker_head;
  // RFC 8441 5: a 2xx would tell the client that its WebSocket is open; only a worker's 101 may.
  if (block_.is_extended_connect() && head.status >= 200 && head.status < 300) head.status = 502;
  const bool has_body = head.body == http::BodyLength::unknown ||
                        (head.body == http::BodyLength::known && head.content_length > 0);
  owner_->submit_head(*this, head, has_body);
}

void Http2Stream::send_body(std::string_view bytes) {
  if (output_.empty()) output_since_ = host_->now();
  output_.append(bytes);
  owner_->count_buffered(static_cast<ptrdiff_t>(bytes.size()));
  owner_->resume_output(*this);
}

void Http2Stream::finish(std::string_view trailers) {
  trailers_ = trailers;
  finished_ = true;
  end_output();
  refuse_rest_if_over();
  if (held_ > 0) owner_->open_window(*this, std::exchange(held_, 0));
}

void Http2Stream::on_end_sent() {
  end_sent_ = true;
  refuse_rest_if_over();
}

// A tunnel's end is sent before it is over.
void Http2Stream::refuse_rest_if_over() {
  if (finished_ && end_sent_ && !request_ended_) owner_->refuse_rest(*this);
}

void Http2Stream::end_output() {
  output_ended_ = true;
  owner_->resume_output(*this);
}

void Http2Stream::abort() {
  owner_->reset(*this);
}

void Http2Stream::consume_output(size_t size, Instant now) {
  output_.consume(size);
  output_since_ = now;
  owner_->count_buffered(-static_cast<ptrdiff_t>(size));
}

// ---- time ----

bool Http2Stream::output_overdue(Instant now) const {
  return !output_.empty() && now - output_since_ >= limits_.send_timeout;
}

void Http2Stream::check_body(Instant now) {
  const Milliseconds passed = now - body_since_;
  if (request_ended_ || !forwarder_.active() || block_.is_extended_connect() ||
      passed < limits_.body_timeout) {
    return;
  }
  const uint64_t moved = body_received_ - body_checked_;
  const auto seconds = static_cast<uint64_t>(passed.count()) / 1000;
  // Not the client's fault while the worker does not take what it has sent.
  if (held_ < limits_.request_buffer && moved < limits_.body_rate * seconds) {
    return reject(kBodyTooSlow);
  }
  body_since_ = now;
  body_checked_ = body_received_;
}

}  // namespace dmpm::http2
