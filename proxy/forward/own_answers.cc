#include "proxy/forward/own_answers.h"

#include <array>
#include <string>

#include "base/text.h"
#include "proxy/http/error_page.h"

namespace dmpm::forward {

using http::BodyLength;
using http::Field;

void answer_with_error(Exchange& exchange, ExchangeLog& log, const ErrorAnswer& answer) {
  const auto& [failure, id, is_head, received] = answer;
  const std::string page = http::error_page(failure.status, failure.reason, id);
  std::array<Field, 4> fields{Field{"Content-Type", "text/html; charset=utf-8"},
                              Field{"Cache-Control", "no-store"}, Field{"X-Error-Id", id}};
  size_t count = 3;
  std::string seconds;
  if (failure.retry_after) {
    seconds = std::to_string((failure.retry_after->count() + 999) / 1000);
    fields[count++] = {"Retry-After", seconds};
  }
  http::ResponseHead head;
  head.status = failure.status;
  head.reason = http::reason_phrase(failure.status);
  head.fields = {fields.data(), count};
  head.body = is_head ? BodyLength::none : BodyLength::known;
  head.content_length = page.size();
  head.shows_content_length = is_head;
  log.on_head(failure.status);
  if (!is_head) log.on_body_sent(page.size());
  log.end(ExchangeLog::Outcome::complete, received);
  exchange.send_head(head);
  if (!is_head) exchange.send_body(page);
  exchange.finish({});
}

void answer_with_redirect(Exchange& exchange, ExchangeLog& log, const http::RequestHead& request,
                          unsigned port) {
  std::string location = concat({"https://", request.host});
  if (port != 443) {
    location += ':';
    location += std::to_string(port);
  }
  location += request.target == "*" ? "/" : request.target;
  const Field field{"Location", location};
  http::ResponseHead head;
  head.status = 308;
  head.reason = http::reason_phrase(head.status);
  head.fields = {&field, 1};
  head.body = request.is_head ? BodyLength::none : BodyLength::known;
  log.on_head(head.status);
  log.end(ExchangeLog::Outcome::complete, 0);
  exchange.send_head(head);
  exchange.finish({});
}

}  // namespace dmpm::forward
