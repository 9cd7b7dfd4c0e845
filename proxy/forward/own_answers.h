// The answers that need no worker: a page about a failure, and the redirection to https. Each ends the
// exchange and its record in the access log.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/forward/exchange.h"
#include "proxy/forward/exchange_log.h"
#include "proxy/forward/failure.h"

namespace dmpm::forward {

struct ErrorAnswer {
  const Failure& failure;
  std::string_view id;
  bool is_head;       // the request's method is HEAD
  uint64_t received;  // bytes of the request's body
};
void answer_with_error(Exchange& exchange, ExchangeLog& log, const ErrorAnswer& answer);

// To the same place at that port.
void answer_with_redirect(Exchange& exchange, ExchangeLog& log, const http::RequestHead& request,
                          unsigned port);

}  // namespace dmpm::forward
