#include "proxy/http/error_page.h"

#include "base/text.h"

namespace dmpm::http {

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

namespace {

constexpr std::string_view kTitle =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>";
constexpr std::string_view kHeading =
    "</title></head>\n"
    "<body style=\"font-family:sans-serif;margin:10vh auto;max-width:40em;padding:0 1em\">\n<h1>";
constexpr std::string_view kReason = "</h1>\n<p>This request could not be served: ";
constexpr std::string_view kErrorId = ".</p>\n<p>Error id: <code>";
constexpr std::string_view kEnd = "</code></p>\n</body></html>\n";

}  // namespace

std::string error_page(unsigned status, std::string_view reason, std::string_view error_id) {
  const std::string title = concat({std::to_string(status), " ", reason_phrase(status)});
  return concat({kTitle, title, kHeading, title, kReason, reason, kErrorId, error_id, kEnd});
}

}  // namespace dmpm::http
