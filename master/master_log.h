// Where the master's own lines go: standard error, and a copy to the logger while there is one.
#pragma once

#include <string_view>

#include "base/log.h"
#include "master/logger_link.h"

namespace dmpm::master {

class MasterLog final : public LogSink {
 public:
  MasterLog();

  Log& log() { return log_; }
  // Null: there is none (any more).
  void set_logger(LoggerLink* logger) { logger_ = logger; }
  // Where lines that the logger did not take are counted.
  void set_dropped(metrics::Counter* dropped) { dropped_ = dropped; }
  // A line that scripts wait for: exactly `text` on standard error.
  void announce(std::string_view text);

 private:
  bool write(LogLevel level, std::string_view line) override;

  DescriptorSink standard_error_;
  LoggerLink* logger_ = nullptr;
  metrics::Counter* dropped_ = nullptr;
  Log log_;
};

}  // namespace dmpm::master
