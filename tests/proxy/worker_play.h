// WorkerPlay: plays the workers of three sites on a FrontEnd: takes down every request that
// arrives, to the byte, and answers it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/proxy/front_end.h"

namespace dmpm::test {

class WorkerPlay {
 public:
  static constexpr const char* kSites[] = {"a.test", "b.test", "*.w.test"};

  // What arrived: a whole request in normal form (Message::normal), or, when its connection was
  // ended before, the part of it. A request that was answered with 101 is followed by the tunnel's
  // bytes.
  struct Arrival {
    std::string site;
    std::string bytes;
    bool whole = true;
  };

  // `replies` answer the first requests, "reply-N" with status 200 the others.
  WorkerPlay(FrontEnd& front, std::vector<std::string> replies);
  // Takes in what has arrived, answers whole requests; true when something was sent.
  bool advance();
  // Adds the requests that were not whole. The last call.
  const std::vector<Arrival>& finish();
  // How many requests were whole so far.
  size_t answered() const { return answered_; }

 private:
  struct Stream {
    std::string site;
    std::string bytes;       // of the present request
    bool continued = false;  // 100 was sent
    size_t tunnel = 0;       // 1-based number of the arrival that has become one
  };
  bool advance(WorkerEnd& end, Stream& stream);
  std::string reply_to(std::string_view head);

  FrontEnd& front_;
  std::vector<std::string> replies_;
  std::map<uint32_t, std::string> groups_;
  std::map<WorkerEnd*, Stream> streams_;
  std::vector<Arrival> arrivals_;
  size_t answered_ = 0;
};

}  // namespace dmpm::test
