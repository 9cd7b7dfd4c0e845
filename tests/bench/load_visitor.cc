#include "tests/bench/load_visitor.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>

namespace dmpm::bench {
namespace {

constexpr std::string_view kBytes = "/bytes/";

// The `number`-th that connections come from, in network order.
in_addr_t source_of(const LoadOptions& options, unsigned number) {
  if (options.source.empty()) return INADDR_ANY;
  in_addr first{};
  if (::inet_pton(AF_INET, options.source.c_str(), &first) != 1) throw Failure("--source");
  return htonl(ntohl(first.s_addr) + number % options.sources);
}

}  // namespace

Visitor::Visitor(const LoadOptions& options, const BodyPattern& pattern, unsigned number)
    : options_(options),
      pattern_(pattern),
      context_(options.port, options.protocol, source_of(options, number)) {}

std::unique_ptr<HttpClient> Visitor::connect(const std::string& host, bool resume) {
  if (resume && !context_.session()) throw Failure("the server gave no session to resume");
  TlsClient connection(context_, host, resume ? context_.session() : nullptr);
  return options_.protocol == Protocol::http1 ? connect_http1(std::move(connection), pattern_)
                                              : connect_http2(std::move(connection), pattern_);
}

std::string Visitor::request(HttpClient& client, size_t n) {
  // As a client names a host on a port that is not its scheme's own.
  const std::string authority = host(n) + ":" + std::to_string(options_.port);
  const Answer answer = client.exchange({authority, options_.path, options_.upload});
  check(answer, n);
  return answer.backend;
}

void Visitor::check(const Answer& answer, size_t n) const {
  if (answer.status != 200) {
    throw Failure(host(n) + options_.path + ": status " + std::to_string(answer.status));
  }
  if (options_.upload > 0) {
    if (answer.text() != std::to_string(options_.upload)) {
      throw Failure("uploaded " + std::to_string(options_.upload) + ", arrived " + answer.text());
    }
  } else if (options_.path.starts_with(kBytes)) {
    const uint64_t size = std::strtoull(options_.path.c_str() + kBytes.size(), nullptr, 10);
    if (answer.size() != size || !answer.matches()) throw Failure("the body is not the right one");
  }
  if (options_.backends.empty()) return;
  const size_t i = std::min(n % options_.hosts.size(), options_.backends.size() - 1);
  if (answer.backend != options_.backends[i]) {
    throw Failure(host(n) + " was answered by " + answer.backend);
  }
}

}  // namespace dmpm::bench
