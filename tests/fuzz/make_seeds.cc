// make-fuzz-seeds DIRECTORY: writes the cases of tests/proxy/corpus as inputs of the fuzz targets,
// one folder for each target (fuzz_input.h has their forms), so that the repository keeps one
// corpus.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "tests/proxy/corpus.h"

using dmpm::concat;
using dmpm::test::CorpusCase;

namespace {

// Large cases test limits, and would only slow down what is made of them.
constexpr size_t kLargest = 2048;

class Seeds {
 public:
  explicit Seeds(std::filesystem::path directory) : directory_(std::move(directory)) {}

  void add(const char* target, std::string_view bytes) {
    if (bytes.size() > kLargest) return;
    const auto folder = directory_ / target;
    std::filesystem::create_directories(folder);
    std::ofstream file(folder / std::to_string(++number_), std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::filesystem::path directory_;
  int number_ = 0;
};

// Without options, cut in the middle.
std::string parser_input(unsigned options, std::string_view bytes) {
  const size_t middle = bytes.size() / 2;
  const std::string head{static_cast<char>(options), 1, static_cast<char>(middle & 0xff),
                         static_cast<char>(middle >> 8)};
  return head + std::string(bytes);
}

std::string operation(unsigned code, std::string_view bytes) {
  const std::string head{static_cast<char>(code), static_cast<char>(bytes.size() & 0xff),
                         static_cast<char>(bytes.size() >> 8)};
  return head + std::string(bytes);
}

std::string body_of(const std::string& message) {
  const size_t end = message.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : message.substr(end + 4);
}

bool is_chunked(const std::string& message) {
  return message.find("chunked\r\n") != std::string::npos;
}

// The operations of http1_server_fuzz.cc.
void add_requests(Seeds& seeds) {
  for (const CorpusCase& one : dmpm::test::load_corpus(
           "requests", {"why", "in", "worker", "worker-cut", "worker-some", "client", "reply",
                        "heads", "eof", "pending", "unannounced"})) {
    const std::string& in = one.bytes("in");
    seeds.add("request-parser", parser_input(0, in));
    if (is_chunked(in)) seeds.add("chunked-decoder", parser_input(7, body_of(in)));
    std::string session = operation(0, in);
    if (const auto* reply = one.find("reply")) session += operation(1, reply->bytes);
    session += operation(5, {});
    if (one.find("eof") != nullptr) session += operation(6, {});
    seeds.add("http1-server", session);
  }
}

void add_responses(Seeds& seeds) {
  constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
  for (const CorpusCase& one : dmpm::test::load_corpus(
           "responses", {"why", "request", "in", "eof", "rest", "client", "worker"})) {
    const std::string& in = one.bytes("in");
    const std::string request(one.find("request") ? one.bytes("request") : kGet);
    const unsigned options = request.starts_with("HEAD ") ? 1 : 2;
    seeds.add("response-parser", parser_input(options, in));
    if (is_chunked(in)) seeds.add("chunked-decoder", parser_input(7, body_of(in)));
    std::string session = operation(0, request) + operation(1, in);
    if (one.find("eof") != nullptr) session += operation(2, {});
    seeds.add("http1-server", session);
    // The same answer to a request over HTTP/2 (http2_server_fuzz.cc).
    constexpr std::string_view kFields = ":method=GET\n:scheme=https\n:authority=a.test\n:path=/\n";
    seeds.add("http2-server", operation(0x12, kFields) + operation(5, in) +
                                  (one.find("eof") != nullptr ? operation(6, {}) : ""));
  }
}

void add_http2(Seeds& seeds) {
  const std::string post = operation(
      2, ":method=POST\n:scheme=https\n:authority=b.test\n:path=/x\ncookie=a\ncookie=b\n");
  const std::string get =
      operation(0x12, ":method=GET\n:scheme=https\n:authority=a.test\n:path=/\n");
  const std::string socket = operation(
      2, ":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a.test\n:path=/\n");
  const std::string answer = operation(9, {});
  const std::string data = operation(4, "body"), last = operation(0x14, "end");
  seeds.add("http2-server", post + data + last + answer + get + answer);
  seeds.add("http2-server", post + data + operation(0x13, "trailer=x\n") + answer);
  seeds.add("http2-server",
            socket +
                operation(5,
                          "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
                          "Upgrade: websocket\r\n\r\nhello") +
                data + operation(5, "more") + operation(6, {}) + last);
  const std::string cancel("\x03\x00\x01\x00\x00\x00\x08", 7);
  seeds.add("http2-server", get + operation(1, cancel) + answer + get + answer);
  seeds.add("http2-server", post + data + operation(1, cancel) + post + last + answer);
  const std::string ping(
      "\x06\x00\x00"
      "12345678",
      11);
  const std::string window("\x08\x00\x01\x00\x01\x00\x00", 7);
  const std::string settings("\x04\x00\x00\x00\x04\x00\x00\x00\x05", 9);
  const std::string priority("\x10\x00\x00\x00\x00\x00\x01u=3", 10);
  seeds.add("http2-server", operation(1, settings) + get + answer + operation(1, window));
  seeds.add("http2-server", operation(1, ping) + operation(1, priority) + get + operation(8, {}));
  seeds.add("http2-server", get + operation(14, {}) + operation(1, ping) + answer);
  seeds.add("http2-server",
            get + operation(11, {}) + answer + operation(12, {}) + operation(13, {}));
  seeds.add("http2-server",
            get + operation(15, {}) + get + operation(15, {}) + post + answer + operation(10, {}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  Seeds seeds(argv[1]);
  add_requests(seeds);
  add_responses(seeds);
  add_http2(seeds);
  return 0;
}
