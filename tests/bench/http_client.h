// HttpClient: requests over one TlsClient, one after the other; HTTP/1.1 or HTTP/2.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/body_pattern.h"
#include "tests/bench/tls_client.h"

namespace dmpm::bench {

struct Request {
  std::string host;
  std::string path;
  uint64_t upload = 0;  // bytes of the pattern that are sent; 0: a GET
};

// An answer as far as it was looked at: the body is compared, not kept.
class Answer {
 public:
  int status = 0;
  std::string backend;  // the value of X-Backend

  void take(const BodyPattern& pattern, std::string_view piece) {
    matches_ = matches_ && pattern.has(piece, size_);
    if (text_.size() < kText) text_ += piece.substr(0, kText - text_.size());
    size_ += piece.size();
  }
  uint64_t size() const { return size_; }
  bool matches() const { return matches_; }          // as far as it came
  const std::string& text() const { return text_; }  // its beginning

 private:
  static constexpr size_t kText = 64;
  uint64_t size_ = 0;
  bool matches_ = true;
  std::string text_;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Throws Failure when there is no whole answer. What the answer says is the caller's matter.
  virtual Answer exchange(const Request& request) = 0;
  virtual void close() = 0;
};

std::unique_ptr<HttpClient> connect_http1(TlsClient connection, const BodyPattern& pattern);
std::unique_ptr<HttpClient> connect_http2(TlsClient connection, const BodyPattern& pattern);

}  // namespace dmpm::bench
