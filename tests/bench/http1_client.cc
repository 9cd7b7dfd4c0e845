// HTTP/1.1 as the load generator needs it: answers with a Content-Length or chunked.
#include <charconv>
#include <vector>

#include "tests/bench/head_field.h"
#include "tests/bench/http_client.h"

namespace dmpm::bench {
namespace {

constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kWriteSize = 64 * 1024;
constexpr size_t kMaxHead = 16 * 1024;

uint64_t number(std::string_view text, int base = 10) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) throw Failure("not a number");
  return value;
}

class Http1Client : public HttpClient {
 public:
  Http1Client(TlsClient connection, const BodyPattern& pattern)
      : connection_(std::move(connection)), pattern_(pattern), block_(kReadSize) {}

  Answer exchange(const Request& request) override {
    send(request);
    return receive();
  }

  void close() override { connection_.close(); }

 private:
  void send(const Request& request) {
    std::string head = request.upload > 0 ? "POST " : "GET ";
    head += request.path + " HTTP/1.1\r\nHost: " + request.host + "\r\n";
    if (request.upload > 0) head += "Content-Length: " + std::to_string(request.upload) + "\r\n";
    connection_.write(head + "\r\n");
    std::string_view body = pattern_.first(request.upload);
    for (; !body.empty(); body.remove_prefix(std::min(body.size(), kWriteSize))) {
      connection_.write(body.substr(0, kWriteSize));
    }
  }

  Answer receive() {
    size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (input_.size() > kMaxHead) throw Failure("the answer's head is too long");
      fill();
    }
    const std::string head = input_.substr(0, end + 2);
    input_.erase(0, end + 4);
    if (head.size() < 12 || !head.starts_with("HTTP/1.1 ")) throw Failure("not HTTP/1.1");
    Answer answer;
    answer.status = static_cast<int>(number(std::string_view(head).substr(9, 3)));
    answer.backend = field(head, "x-backend");
    if (field(head, "transfer-encoding") == "chunked") {
      receive_chunks(answer);
    } else {
      receive_exactly(answer, number(field(head, "content-length")));
    }
    return answer;
  }

  void receive_exactly(Answer& answer, uint64_t left) {
    const size_t had = std::min<uint64_t>(left, input_.size());
    answer.take(pattern_, std::string_view(input_).substr(0, had));
    input_.erase(0, had);
    left -= had;
    while (left > 0) {
      const size_t got = connection_.read(block_);
      if (got == 0) throw Failure("the answer's body is too short");
      const size_t part = std::min<uint64_t>(left, got);
      answer.take(pattern_, {block_.data(), part});
      input_.append(block_.data() + part, got - part);
      left -= part;
    }
  }

  void receive_chunks(Answer& answer) {
    while (const uint64_t size = number(line(), 16)) {
      receive_exactly(answer, size);
      if (!line().empty()) throw Failure("junk behind a chunk");
    }
    while (!line().empty()) {
    }
  }

  std::string line() {
    size_t end = 0;
    while ((end = input_.find("\r\n")) == std::string::npos) fill();
    std::string found = input_.substr(0, end);
    input_.erase(0, end + 2);
    return found;
  }

  void fill() {
    const size_t got = connection_.read(block_);
    if (got == 0) throw Failure("closed before the answer's end");
    input_.append(block_.data(), got);
  }

  TlsClient connection_;
  const BodyPattern& pattern_;
  std::vector<char> block_;
  std::string input_;
};

}  // namespace

std::unique_ptr<HttpClient> connect_http1(TlsClient connection, const BodyPattern& pattern) {
  return std::make_unique<Http1Client>(std::move(connection), pattern);
}

}  // namespace dmpm::bench
