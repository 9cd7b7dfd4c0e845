// A whole HTTP/2 connection: session, streams, forwarders and pools, between a client and workers
// that send anything in any order. What the client receives must be frames in a legal order.
#include <nghttp2/nghttp2.h>

#include <memory>
#include <vector>

#include "tests/fuzz/frame_check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/workers.h"

using namespace dmpm;

namespace {

// The low four bits of an operation's code; the high ones choose a worker's connection or group,
// the lowest of them END_STREAM.
enum : unsigned {
  kBytes,
  kFrame,     // type, flags, stream, then the payload
  kRequest,   // on a stream of its own: lines "name=value"
  kTrailers,  // on the last stream
  kData,      // on the last stream
  kWorkerSends,
  kWorkerCloses,
  kWorkerHalfCloses,
  kWorkerDies,
  kWorkersAnswer,
  kClientEnds,
  kClientStalls,
  kClientTakesAll,
  kDeadline,
  kDrain,
  kAtOnce,  // nothing happens between the operations before and behind it
};

struct DeflaterDeleter {
  void operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }
};

class Client {
 public:
  Client() {
    nghttp2_hd_deflater* deflater = nullptr;
    if (nghttp2_hd_deflate_new(&deflater, 4096) != 0) std::abort();
    deflater_.reset(deflater);
  }

  static std::string frame(unsigned type, unsigned flags, unsigned stream,
                           std::string_view payload) {
    const size_t size = payload.size();
    std::string out{static_cast<char>(size >> 16),
                    static_cast<char>(size >> 8),
                    static_cast<char>(size),
                    static_cast<char>(type),
                    static_cast<char>(flags),
                    0,
                    0,
                    static_cast<char>(stream >> 8),
                    static_cast<char>(stream)};
    return out.append(payload);
  }
  static std::string preface() {
    return std::string(NGHTTP2_CLIENT_MAGIC) + frame(NGHTTP2_SETTINGS, 0, 0, {});
  }
  static std::string chosen_frame(fuzz::Reader reader) {
    const unsigned type = reader.byte(), flags = reader.byte(), stream = reader.byte();
    return frame(type, flags, stream, reader.rest());
  }
  std::string request(std::string_view lines, bool end) {
    stream_ += 2;
    return trailers(lines, end);
  }
  std::string trailers(std::string_view lines, bool end) {
    return frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | unsigned{end}, stream_,
                 deflate(lines));
  }
  std::string data(std::string_view bytes, bool end) const {
    return frame(NGHTTP2_DATA, unsigned{end}, stream_, bytes);
  }

 private:
  std::string deflate(std::string_view lines) {
    std::vector<nghttp2_nv> fields;
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(lines.size(), line.size() + 1));
      const std::string_view name = line.substr(0, line.find('='));
      const std::string_view value = line.substr(std::min(line.size(), name.size() + 1));
      fields.push_back({bytes(name), bytes(value), name.size(), value.size(), 0});
    }
    std::string out(nghttp2_hd_deflate_bound(deflater_.get(), fields.data(), fields.size()), 0);
    const ssize_t size =
        nghttp2_hd_deflate_hd(deflater_.get(), reinterpret_cast<uint8_t*>(out.data()), out.size(),
                              fields.data(), fields.size());
    out.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return out;
  }
  static uint8_t* bytes(std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  }

  std::unique_ptr<nghttp2_hd_deflater, DeflaterDeleter> deflater_;
  unsigned stream_ = ~0u;  // the last one: 1 is the first
};

class Run {
 public:
  Run() : workers_(front_), connection_(front_.connect_http2()) {
    connection_->send(Client::preface());
    settle();
  }

  void operator()(fuzz::Reader& reader) {
    while (!reader.empty()) {
      const fuzz::Operation operation(reader);
      if (operation.code % 16 == kAtOnce) continue;
      apply(operation);
      fuzz::Reader ahead = reader;
      if (ahead.byte() % 16 != kAtOnce) settle();
    }
    settle();
    fuzz::FrameCheck().check(connection_->received());
    connection_.reset();
    front_.settle();
    workers_.probe();
  }

 private:
  void settle() { front_.settle({connection_.get()}); }

  void apply(const fuzz::Operation& operation) {
    const unsigned which = operation.code / 16;
    const std::string_view bytes = operation.bytes;
    const bool end = which & 1;
    switch (operation.code % 16) {
      case kBytes: return connection_->send(bytes);
      case kFrame:
        return connection_->send(
            Client::chosen_frame({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
      case kRequest: return connection_->send(client_.request(bytes, end));
      case kTrailers: return connection_->send(client_.trailers(bytes, end));
      case kData: return connection_->send(client_.data(bytes, end));
      case kWorkerSends: return workers_.send(which, bytes);
      case kWorkerCloses: return workers_.close(which);
      case kWorkerHalfCloses: return workers_.half_close(which);
      case kWorkerDies: return workers_.kill(which);
      case kWorkersAnswer:
        while (workers_.answer_all()) settle();
        return;
      case kClientEnds: return connection_->end_input();
      case kClientStalls: return connection_->set_unsent(1 << 20);
      case kClientTakesAll: return connection_->set_unsent(0);
      case kDeadline:
        if (!connection_->closed()) connection_->session().on_deadline();
        return;
      case kDrain:
        if (!connection_->closed()) connection_->session().drain(Milliseconds(0));
        return;
      default: return;
    }
  }

  test::FrontEnd front_;
  fuzz::Workers workers_;
  std::unique_ptr<test::MemoryClient> connection_;
  Client client_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Reader reader(data, size);
  Run run;
  run(reader);
  return 0;
}
