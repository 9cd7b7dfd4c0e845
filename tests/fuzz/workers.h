// Workers: the workers behind a whole session under test. What they receive must be HTTP/1.1 as the
// dispatcher may write it, whatever the client and they themselves have sent; and afterwards the
// groups must serve another request with its own answer.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/proxy/front_end.h"

namespace dmpm::fuzz {

class Workers {
 public:
  explicit Workers(test::FrontEnd& front);

  // Of the connections that were accepted so far, number `which` (mod their count).
  void send(unsigned which, std::string_view bytes);
  void close(unsigned which);
  void half_close(unsigned which);
  // Ends the worker of one group.
  void kill(unsigned which);
  // Answers each request that is whole and not answered; true when there was one.
  bool answer_all();
  // All that was received so far.
  void check();
  // Another client's request to each group. The last call.
  void probe();

 private:
  struct Stream {
    std::string received;
    size_t answered = 0;    // bytes of requests that answer_all() is done with
    bool switched = false;  // a 101 was sent: what follows need not be HTTP
  };
  test::WorkerEnd* pick(unsigned which);
  // Takes in what has arrived.
  Stream& stream_of(test::WorkerEnd& end);
  void probe(uint32_t group, const std::string& host);

  test::FrontEnd& front_;
  std::vector<uint32_t> groups_;
  std::map<const test::WorkerEnd*, Stream> streams_;
};

}  // namespace dmpm::fuzz
