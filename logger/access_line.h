// AccessLine: an exchange -> a line of an access log, in the format that is asked for.
//
// Whatever a client sent, its bytes can neither end the line nor the quotes that they stand in:
//   text formats   all but printable ASCII, '"' and '\' become \xHH; what is empty is "-"
//   json           '"', '\' and control bytes are escaped as JSON says; UTF-8 stays; bytes that are not
//                  UTF-8 (or steer a terminal) become the characters \xHH
// A text that was longer than what dispatchers tell of it ends in "...".
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "base/access_format.h"
#include "logger/exchange_reader.h"
#include "logger/line_buffer.h"

namespace dmpm {

// What the line says besides what the dispatcher reported.
struct AccessContext {
  std::string_view server_name, group;  // empty: none
  int64_t wall_clock;                   // ms since the epoch, of the exchange's end
};

class AccessLine {
 public:
  // Appends the line with its newline.
  void append(std::string& out, const AccessFormat& format, const ReportedExchange& exchange,
              const AccessContext& context);

 private:
  void append_text(const AccessFormat& format, const ReportedExchange& exchange,
                   const AccessContext& context);
  void append_variable(LineBuffer& out, AccessVariable variable, const ReportedExchange& exchange,
                       const AccessContext& context);
  void append_json(const ReportedExchange& exchange, const AccessContext& context);
  void set_time(int64_t wall_clock);

  LineBuffer line_;
  // Both forms of the time, made once a second.
  time_t second_ = -1;
  std::string local_;  // 25/Nov/2026:13:18:33 +0000
  std::string iso_;    // 2026-11-25T13:18:33
};

}  // namespace dmpm
