// A whole HTTP/1 connection: session, forwarder, router, pools and worker connections, between a
// client and workers that send anything in any order.
#include <stdexcept>

#include "base/text.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/workers.h"
#include "tests/proxy/message_reader.h"

using namespace dmpm;

namespace {

// The low four bits of an operation's code; the high ones choose a worker's connection or group.
enum : unsigned {
  kClientSends,
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

class Run {
 public:
  Run() : workers_(front_), client_(front_.connect()) {}

  void operator()(fuzz::Reader& reader) {
    while (!reader.empty()) {
      const fuzz::Operation operation(reader);
      if (operation.code % 16 == kAtOnce) continue;
      apply(operation);
      fuzz::Reader ahead = reader;
      if (ahead.byte() % 16 != kAtOnce) front_.settle({client_.get()});
    }
    front_.settle({client_.get()});
    check_client();
    client_.reset();
    front_.settle();
    workers_.probe();
  }

 private:
  void apply(const fuzz::Operation& operation) {
    const unsigned which = operation.code / 16;
    switch (operation.code % 16) {
      case kClientSends: sent_ += operation.bytes; return client_->send(operation.bytes);
      case kWorkerSends: return workers_.send(which, operation.bytes);
      case kWorkerCloses: return workers_.close(which);
      case kWorkerHalfCloses: return workers_.half_close(which);
      case kWorkerDies: return workers_.kill(which);
      case kWorkersAnswer:
        while (workers_.answer_all()) front_.settle({client_.get()});
        return;
      case kClientEnds: return client_->end_input();
      case kClientStalls: return client_->set_unsent(1 << 20);
      case kClientTakesAll: return client_->set_unsent(0);
      case kDeadline:
        if (!client_->closed()) client_->session().on_deadline();
        return;
      case kDrain:
        if (!client_->closed()) client_->session().drain(Milliseconds(0));
        return;
      default: return;
    }
  }

  // Whole responses, the last one perhaps cut; which ones answer HEAD is not known here.
  void check_client() {
    if (sent_.find("HEAD") != std::string::npos) return;
    std::string_view rest = client_->received();
    try {
      while (!rest.empty()) {
        const test::Message response = read(rest);
        if (!response.complete || response.status() == 101) break;
        rest.remove_prefix(response.size);
      }
    } catch (const std::exception& error) {
      fuzz::fail("clients receive HTTP/1.1", error.what(), client_->received());
    }
  }

  test::Message read(std::string_view bytes) const {
    const bool closed = client_->closed();
    const test::Message head =
        test::read_message(bytes, test::NoFraming::until_close, true, closed);
    if (head.head.empty()) return head;
    const unsigned status = head.status();
    if (status < 200 || status == 204 || status == 304) return head;
    return test::read_message(bytes, test::NoFraming::until_close, false, closed);
  }

  test::FrontEnd front_;
  fuzz::Workers workers_;
  std::unique_ptr<test::MemoryClient> client_;
  std::string sent_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Reader reader(data, size);
  Run run;
  run(reader);
  return 0;
}
