// Every way in which a request fails that the forwarder itself sees: its status, what its client is told,
// what the operator is told, when to come back, and under what it is counted.
#pragma once

#include "proxy/forward/failure.h"

namespace dmpm::forward::failures {

using metrics::Rejection;
using std::chrono::milliseconds;

// RFC 9110 15.5.20: over TLS the client may have taken a wrong connection for this name.
constexpr Failure unknown_host(bool tls) {
  return {tls ? 421U : 404U,
          "there is no site of this name here",
          "unknown host",
          {},
          Rejection::unknown_host};
}

inline constexpr Failure kBrokenSiteFile{503, "this site's configuration has an error",
                                         "the site's file has an error, see the master's log",
                                         milliseconds(60'000), Rejection::broken_site_file};

inline constexpr Failure kTooManyRequests{503, "this site has too many visitors at the moment",
                                          "the group has max_requests requests already",
                                          milliseconds(5'000), Rejection::max_requests};

inline constexpr Failure kQueueTimeout{503, "this site's server is too busy at the moment",
                                       "no worker was free within queue_timeout",
                                       milliseconds(5'000), Rejection::queue_timeout};

constexpr Failure no_worker(std::string_view detail, milliseconds retry_after, Rejection why) {
  return {503, "this site's server cannot be reached at the moment", detail, retry_after, why};
}

// Before it had answered anything since its start.
constexpr Failure start_failed(std::string_view detail) {
  return {503, "this site's server could not be started", detail, milliseconds(1'000),
          Rejection::start_failed};
}

constexpr Failure worker_lost(std::string_view detail) {
  return {502, "this site's server broke off", detail, {}, Rejection::worker_failed};
}

inline constexpr Failure kTooManyInterimResponses{502,
                                                  "this site's server answered nonsense",
                                                  "too many 1xx responses",
                                                  {},
                                                  Rejection::worker_failed};

constexpr Failure no_response(bool new_worker) {
  return {504,
          "this site's server took too long to answer",
          new_worker ? "no response head within start_timeout from a new worker"
                     : "no response head within response_timeout",
          {},
          Rejection::worker_timeout};
}

// Its client has the head already, so that there is nothing to tell it.
inline constexpr Failure kResponseStopped{
    504, "", "the worker stopped in the middle of its response", {}, Rejection::worker_timeout};

}  // namespace dmpm::forward::failures
