// Visitor: who makes the connections and requests of a run and knows what has to come of them. One
// for each thread.
#pragma once

#include <memory>

#include "tests/bench/http_client.h"
#include "tests/bench/load_options.h"

namespace dmpm::bench {

class Visitor {
 public:
  // The `number`-th of the run.
  Visitor(const LoadOptions& options, const BodyPattern& pattern, unsigned number = 0);

  // Both throw Failure when anything is not as it has to be.
  std::unique_ptr<HttpClient> connect(const std::string& host, bool resume = false);
  // The n-th request of the run: the host is the n-th in turn. Returns who answered.
  std::string request(HttpClient& client, size_t n);

  const std::string& host(size_t n) const { return options_.hosts[n % options_.hosts.size()]; }

 private:
  void check(const Answer& answer, size_t n) const;

  const LoadOptions& options_;
  const BodyPattern& pattern_;
  TlsClientContext context_;
};

}  // namespace dmpm::bench
