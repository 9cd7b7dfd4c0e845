#include "proxy/http1/exchange.h"

#include <algorithm>
#include <charconv>

#include "proxy/http/request_rules.h"
#include "proxy/http1/response_writer.h"
#include "proxy/limits.h"

namespace dmpm::http1 {

using http::BodyLength;

void Http1Exchange::begin(ExchangeOwner& owner, net::SessionHost& host) {
  owner_ = &owner;
  host_ = &host;
  parser_.reset();
  chunks_.reset();
  request_state_ = RequestState::head;
  response_state_ = ResponseState::awaited;
  body_left_ = body_received_ = discarded_ = 0;
  credit_ = limits_.request_buffer;
  chunked_request_ = chunked_response_ = http_1_0_ = tunnel_ = closes_ = false;
}

// ---- the request ----

size_t Http1Exchange::take(std::string_view input) {
  switch (request_state_) {
    case RequestState::head: return take_head(input);
    case RequestState::body: return take_body(input);
    case RequestState::ended:
      if (!tunnel_) return 0;
      deliver(input);
      return input.size();
    case RequestState::broken: return input.size();
  }
  return 0;
}

size_t Http1Exchange::take_head(std::string_view input) {
  switch (parser_.parse(input)) {
    case RequestParser::Progress::incomplete: return 0;
    case RequestParser::Progress::rejected: reject(parser_.rejection()); return input.size();
    case RequestParser::Progress::complete: break;
  }
  const http::RequestHead& head = parser_.head();
  http_1_0_ = head.http_1_0;
  closes_ |= parser_.wants_close();
  chunked_request_ = head.body == BodyLength::unknown;
  body_left_ = head.content_length;
  const bool has_body = chunked_request_ || body_left_ > 0;
  request_state_ = has_body ? RequestState::body : RequestState::ended;
  const size_t size = parser_.size();
  forwarder_.start(*this, head, host_->client());
  return size;
}

size_t Http1Exchange::take_body(std::string_view input) {
  if (chunked_request_) return take_chunks(input);
  const auto size = static_cast<size_t>(std::min<uint64_t>(body_left_, input.size()));
  body_left_ -= size;
  deliver(input.substr(0, size));
  if (body_left_ == 0) end_request();
  return size;
}

size_t Http1Exchange::take_chunks(std::string_view input) {
  std::string_view rest = input, data;
  while (request_state_ == RequestState::body) {
    const ChunkedDecoder::Progress progress = chunks_.decode(rest, data);
    if (progress == ChunkedDecoder::Progress::incomplete) break;
    if (progress == ChunkedDecoder::Progress::rejected) {
      reject(chunks_.rejection());
      return input.size();
    }
    if (progress == ChunkedDecoder::Progress::data) deliver(data);
    if (limits_.body_size > 0 && body_received_ > limits_.body_size) {
      reject(http::kBodyTooLarge);
      return input.size();
    }
    if (progress == ChunkedDecoder::Progress::complete) end_request();
  }
  return input.size() - rest.size();
}

void Http1Exchange::deliver(std::string_view body) {
  if (body.empty()) return;
  body_received_ += body.size();
  if (!forwarder_.active()) {
    discarded_ += body.size();
    return;
  }
  credit_ -= std::min(credit_, body.size());
  forwarder_.on_request_body(body);
}

void Http1Exchange::end_request() {
  request_state_ = RequestState::ended;
  if (forwarder_.active()) forwarder_.on_request_end();
}

void Http1Exchange::reject(unsigned status, std::string_view reason) {
  request_state_ = RequestState::broken;
  closes_ = true;
  if (response_state_ == ResponseState::awaited) {
    return forwarder_.reject(*this, forward::bad_request(status, reason), parser_.head().is_head,
                             host_->client());
  }
  if (forwarder_.active()) forwarder_.on_client_lost();
  if (response_state_ == ResponseState::body) abort();
}

void Http1Exchange::on_client_lost() {
  closes_ = true;
  if (forwarder_.active()) forwarder_.on_client_lost();
}

void Http1Exchange::end_tunnel_input() {
  if (forwarder_.active()) forwarder_.on_request_end();
}

void Http1Exchange::on_room() {
  if (forwarder_.active()) forwarder_.on_room();
}

// ---- the response ----

void Http1Exchange::grant(size_t size) {
  credit_ += size;
  owner_->on_credit();
}

size_t Http1Exchange::room() const {
  const size_t unsent = host_->unsent();
  return unsent >= limits_.response_buffer ? 0 : limits_.response_buffer - unsent;
}

void Http1Exchange::send_interim(const http::ResponseHead& head) {
  out_.clear();
  append_response_head(out_, head, {});
  host_->write(out_);
}

void Http1Exchange::send_head(const http::ResponseHead& head) {
  response_state_ = ResponseState::body;
  tunnel_ = head.status == 101;
  ResponseOptions options;
  if (tunnel_) {
    closes_ = true;
    for (const http::Field& field : head.fields) {
      if (field.id == http::FieldName::upgrade) options.upgrade = field.value;
    }
  } else if (head.body == BodyLength::unknown) {
    // RFC 9112 7.1: HTTP/1.0 knows no chunks; its body ends with the connection.
    chunked_response_ = !http_1_0_;
    closes_ |= http_1_0_;
  }
  options.chunked = chunked_response_;
  options.close = closes_;
  options.keep_alive = http_1_0_ && !closes_;
  out_.clear();
  append_response_head(out_, head, options);
  host_->write(out_);
  if (tunnel_) owner_->on_credit();  // what came behind the request belongs to the tunnel
}

void Http1Exchange::send_body(std::string_view bytes) {
  if (!chunked_response_) return host_->write(bytes);
  char size[18];
  char* end = std::to_chars(size, size + 16, bytes.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  host_->write({size, static_cast<size_t>(end - size)});
  host_->write(bytes);
  host_->write("\r\n");
}

void Http1Exchange::finish(std::string_view trailers) {
  if (chunked_response_) {
    host_->write("0\r\n");
    host_->write(trailers);
    host_->write("\r\n");
  }
  response_state_ = ResponseState::ended;
  credit_ = limits_.request_buffer;  // what still comes of the request is thrown away
  owner_->on_response_over();
}

void Http1Exchange::end_output() {
  host_->end_output();
}

void Http1Exchange::abort() {
  // Without the last chunk or the promised length: the client sees that it is cut off.
  response_state_ = ResponseState::aborted;
  closes_ = true;
  owner_->on_response_over();
}

}  // namespace dmpm::http1
