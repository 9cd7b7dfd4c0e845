// Why a message is not accepted: the status that says so to the client, and the reason in words.
#pragma once

#include <string_view>

namespace dmpm::http {

// Constants only: passed around by pointer, compared by nobody.
struct Rejection {
  unsigned status;
  std::string_view reason;  // for the error page and the log; no byte of the message itself
};

}  // namespace dmpm::http
