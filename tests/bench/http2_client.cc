// HTTP/2 over nghttp2, one stream at a time (many at once is what h2load is for).
#include <nghttp2/nghttp2.h>

#include <array>
#include <cstring>
#include <vector>

#include "tests/bench/http_client.h"

namespace dmpm::bench {
namespace {

constexpr size_t kReadSize = 64 * 1024;
// The windows of Chromium, so that a download is as wide as a browser's.
constexpr int32_t kStreamWindow = 6 * 1024 * 1024;
constexpr int32_t kConnectionWindow = 15 * 1024 * 1024;

void check(ssize_t result) {
  if (result < 0) throw Failure(nghttp2_strerror(static_cast<int>(result)));
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

struct SessionFree {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

class Http2Client : public HttpClient {
 public:
  Http2Client(TlsClient connection, const BodyPattern& pattern)
      : connection_(std::move(connection)), pattern_(pattern), block_(kReadSize) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session* session = nullptr;
    nghttp2_session_client_new(&session, callbacks, this);
    session_.reset(session);
    nghttp2_session_callbacks_del(callbacks);
    const std::array<nghttp2_settings_entry, 2> settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    check(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
    check(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow));
  }

  Answer exchange(const Request& request) override {
    answer_ = {};
    done_ = false;
    upload_ = pattern_.first(request.upload);
    submit(request);
    flush();
    while (!done_) {
      const size_t got = connection_.read(block_);
      if (got == 0) throw Failure("closed before the answer's end");
      check(
          nghttp2_session_mem_recv(session_.get(), reinterpret_cast<uint8_t*>(block_.data()), got));
      flush();
    }
    if (error_ != NGHTTP2_NO_ERROR) throw Failure(nghttp2_http2_strerror(error_));
    return std::move(answer_);
  }

  void close() override { connection_.close(); }

 private:
  void submit(const Request& request) {
    const std::string length = std::to_string(request.upload);
    std::vector<nghttp2_nv> headers{header(":method", request.upload > 0 ? "POST" : "GET"),
                                    header(":scheme", "https"), header(":authority", request.host),
                                    header(":path", request.path)};
    if (request.upload > 0) headers.push_back(header("content-length", length));
    nghttp2_data_provider body{};
    body.read_callback = on_upload;
    check(nghttp2_submit_request(session_.get(), nullptr, headers.data(), headers.size(),
                                 request.upload > 0 ? &body : nullptr, nullptr));
  }

  void flush() {
    while (true) {
      const uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
      check(size);
      if (size == 0) return;
      connection_.write({reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)});
    }
  }

  static Http2Client& of(void* self) { return *static_cast<Http2Client*>(self); }

  static int on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* self) {
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") of(self).answer_.status = std::atoi(text.c_str());
    if (key == "x-backend") of(self).answer_.backend = text;
    return 0;
  }

  static int on_data(nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t size,
                     void* self) {
    of(self).answer_.take(of(self).pattern_, {reinterpret_cast<const char*>(data), size});
    return 0;
  }

  static int on_close(nghttp2_session*, int32_t, uint32_t error, void* self) {
    of(self).error_ = error;
    of(self).done_ = true;
    return 0;
  }

  static ssize_t on_upload(nghttp2_session*, int32_t, uint8_t* into, size_t room, uint32_t* flags,
                           nghttp2_data_source*, void* self) {
    std::string_view& left = of(self).upload_;
    const size_t size = std::min(room, left.size());
    std::memcpy(into, left.data(), size);
    left.remove_prefix(size);
    if (left.empty()) *flags = NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  TlsClient connection_;
  const BodyPattern& pattern_;
  std::vector<char> block_;
  std::unique_ptr<nghttp2_session, SessionFree> session_;
  std::string_view upload_;
  Answer answer_;
  uint32_t error_ = NGHTTP2_NO_ERROR;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<HttpClient> connect_http2(TlsClient connection, const BodyPattern& pattern) {
  return std::make_unique<Http2Client>(std::move(connection), pattern);
}

}  // namespace dmpm::bench
