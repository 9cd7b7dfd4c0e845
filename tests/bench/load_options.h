// What a run of bench-load is told on its command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/tls_client.h"

namespace dmpm::bench {

struct LoadOptions {
  std::string mode;
  int port = 0;
  Protocol protocol = Protocol::http1;
  std::vector<std::string> hosts;  // taken in turn
  std::vector<std::string>
      backends;          // X-Backend of each host's answers; fewer: the last for the rest
  std::string source;    // the IPv4 address that the first connection comes from; empty: any
  unsigned sources = 1;  // and so many after it, in turn
  std::string path = "/bytes/1024";
  uint64_t upload = 0;
  unsigned connections = 1;
  uint64_t count = 1;
  double rate = 0;         // a second
  bool resume = false;     // each handshake resumes the session of the one before
  bool fresh = false;      // each request on a connection of its own
  unsigned deadline = 30;  // seconds for `first`
  unsigned retry = 500;    // microseconds between its tries
  std::string samples;     // a file for one line a request
};

// Exits with 2 and says why when it makes no sense.
LoadOptions read_options(int argc, char** argv);

}  // namespace dmpm::bench
