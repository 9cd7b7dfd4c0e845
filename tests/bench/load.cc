// bench-load: the load generator of the comparison, for what wrk and h2load cannot do: counted
// requests whose answers are compared byte by byte, handshakes, uploads, idle connections, sites in
// turn, a steady rate. Threads that block are slow and simple; what is measured is the proxy.
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>

#include "tests/bench/load_modes.h"

int main(int argc, char** argv) {
  using namespace dmpm::bench;
  const LoadOptions options = read_options(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // sleeps that end when they should
  BodyPattern pattern;
  pattern.fill(kLargestBody);
  struct Mode {
    const char* name;
    std::string (*run)(const LoadOptions&, const BodyPattern&);
  };
  static constexpr Mode kModes[] = {{"requests", run_requests},
                                    {"handshakes", run_handshakes},
                                    {"idle", run_idle},
                                    {"steady", run_steady},
                                    {"first", run_first}};
  for (const Mode& mode : kModes) {
    if (options.mode != mode.name) continue;
    try {
      std::printf("{%s}\n", mode.run(options, pattern).c_str());
      return 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "bench-load: FAILED: %s\n", error.what());
      return 1;
    }
  }
  std::fprintf(stderr, "bench-load: no mode %s\n", options.mode.c_str());
  return 2;
}
