#include "tests/bench/load_options.h"

#include <getopt.h>

#include <cstdio>
#include <cstdlib>

#include "tests/bench/body_pattern.h"

namespace dmpm::bench {
namespace {

constexpr char kUsage[] =
    "usage: bench-load MODE --port PORT [OPTIONS]\n"
    "\n"
    "requests    --count requests over --connections connections that are kept\n"
    "handshakes  --count times: connect, one request, close; --resume: with the session before\n"
    "idle        --connections connections, one request each, then they wait\n"
    "steady      --count requests, --rate a second, whether or not answers are late\n"
    "first       one request, tried until it is answered, every --retry\n"
    "            microseconds for --deadline seconds\n"
    "\n"
    "  --hosts A[,B...]  or  --sites FIRST:COUNT (site-00000.test ...): in turn\n"
    "  --backends X[,Y...]: who has to answer for each host\n"
    "  --source ADDRESS[:COUNT]: where connections come from, COUNT addresses in turn\n"
    "  --http 1|2   --path /bytes/1024   --upload BYTES   --fresh   --samples FILE\n"
    "\n"
    "All but `first` print \"ready\" when they are, wait for a line, and end with one line of "
    "JSON.\n"
    "A request that fails, or an answer that is not exactly the right one, ends it with 1.\n";

[[noreturn]] void wrong(const char* what) {
  std::fprintf(stderr, "bench-load: %s\n%s", what, kUsage);
  std::exit(2);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t comma = 0; comma != std::string::npos; begin = comma + 1) {
    comma = text.find(',', begin);
    parts.push_back(text.substr(begin, comma == std::string::npos ? comma : comma - begin));
  }
  return parts;
}

std::vector<std::string> numbered_sites(const std::string& range) {
  char* colon = nullptr;
  const unsigned long first = std::strtoul(range.c_str(), &colon, 10);
  const unsigned long count = *colon == ':' ? std::strtoul(colon + 1, nullptr, 10) : 0;
  if (count == 0) wrong("--sites FIRST:COUNT");
  std::vector<std::string> names;
  for (unsigned long i = first; i < first + count; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "site-%05lu.test", i);
    names.emplace_back(name);
  }
  return names;
}

void read_sources(const std::string& range, LoadOptions& options) {
  const size_t colon = range.find(':');
  options.source = range.substr(0, colon);
  if (colon != std::string::npos) options.sources = std::strtoul(&range[colon + 1], nullptr, 10);
  if (options.sources == 0) wrong("--source ADDRESS:COUNT");
}

void check(const LoadOptions& options) {
  if (options.port <= 0) wrong("--port is missing");
  if (options.hosts.empty()) wrong("--hosts or --sites is missing");
  if (options.connections == 0 || options.count == 0) wrong("nothing to do");
  if (options.mode == "steady" && options.rate <= 0) wrong("--rate is missing");
  if (options.upload > kLargestBody) wrong("--upload is too large");
}

}  // namespace

LoadOptions read_options(int argc, char** argv) {
  enum { kPort = 1, kHttp, kHosts, kSites, kBackends, kPath, kUpload, kConnections, kCount, kRate };
  enum { kResume = 100, kFresh, kSamples, kDeadline, kRetry, kSource };
  static constexpr option kOptions[] = {{"port", required_argument, nullptr, kPort},
                                        {"http", required_argument, nullptr, kHttp},
                                        {"hosts", required_argument, nullptr, kHosts},
                                        {"sites", required_argument, nullptr, kSites},
                                        {"backends", required_argument, nullptr, kBackends},
                                        {"path", required_argument, nullptr, kPath},
                                        {"upload", required_argument, nullptr, kUpload},
                                        {"connections", required_argument, nullptr, kConnections},
                                        {"count", required_argument, nullptr, kCount},
                                        {"rate", required_argument, nullptr, kRate},
                                        {"resume", no_argument, nullptr, kResume},
                                        {"fresh", no_argument, nullptr, kFresh},
                                        {"deadline", required_argument, nullptr, kDeadline},
                                        {"retry", required_argument, nullptr, kRetry},
                                        {"samples", required_argument, nullptr, kSamples},
                                        {"source", required_argument, nullptr, kSource},
                                        {nullptr, 0, nullptr, 0}};
  LoadOptions options;
  for (int kind = 0; (kind = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (kind) {
      case kPort: options.port = std::atoi(optarg); break;
      case kHttp: options.protocol = optarg[0] == '2' ? Protocol::http2 : Protocol::http1; break;
      case kHosts: options.hosts = split(optarg); break;
      case kSites: options.hosts = numbered_sites(optarg); break;
      case kBackends: options.backends = split(optarg); break;
      case kPath: options.path = optarg; break;
      case kUpload: options.upload = std::strtoull(optarg, nullptr, 10); break;
      case kConnections: options.connections = std::strtoul(optarg, nullptr, 10); break;
      case kCount: options.count = std::strtoull(optarg, nullptr, 10); break;
      case kRate: options.rate = std::strtod(optarg, nullptr); break;
      case kResume: options.resume = true; break;
      case kFresh: options.fresh = true; break;
      case kDeadline: options.deadline = std::strtoul(optarg, nullptr, 10); break;
      case kRetry: options.retry = std::strtoul(optarg, nullptr, 10); break;
      case kSamples: options.samples = optarg; break;
      case kSource: read_sources(optarg, options); break;
      default: wrong("see above");
    }
  }
  if (optind + 1 != argc) wrong("one MODE is needed");
  options.mode = argv[optind];
  check(options);
  return options;
}

}  // namespace dmpm::bench
