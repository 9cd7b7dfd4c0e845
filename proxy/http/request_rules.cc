#include "proxy/http/request_rules.h"

#include "base/text.h"
#include "proxy/http/forwarding.h"
#include "proxy/http/syntax.h"
#include "proxy/http/token_list.h"

namespace dmpm::http {

namespace {

constexpr Rejection kRefusedMethod{501, "this method is not supported"};
constexpr Rejection kBadExpectation{417, "this expectation cannot be met"};

bool lists_trailers(std::string_view te) {
  bool listed = false;
  for_each_element(
      te, [&](std::string_view coding) { listed |= equals_ignoring_case(coding, "trailers"); });
  return listed;
}

}  // namespace

const Rejection* check_target(const RequestHead& head) {
  // A tunnel to elsewhere is no business of an origin's front end; TRACE shows cookies to scripts.
  if (head.method == "CONNECT" || head.method == "TRACE") return &kRefusedMethod;
  if (!is_request_target(head.target)) return &kBadTarget;
  if (head.target == "*" && head.method != "OPTIONS") return &kBadTarget;
  return nullptr;
}

const Rejection* check_authority(RequestHead& head) {
  const Authority authority = parse_authority(head.authority);
  if (!authority.valid) return &kBadHost;
  head.host = authority.host;
  return nullptr;
}

const Rejection* read_field(Field& field, RequestHead& head) {
  field.forward = forwards_to_worker(field);
  if (field.id == FieldName::te && lists_trailers(field.value)) head.accepts_trailers = true;
  if (field.id == FieldName::expect) {
    // RFC 9110 10.1.1: ignored from an HTTP/1.0 client.
    if (head.http_1_0) {
      field.forward = false;
      return nullptr;
    }
    if (!equals_ignoring_case(field.value, "100-continue")) return &kBadExpectation;
    head.expects_continue = true;
  }
  return nullptr;
}

}  // namespace dmpm::http
