// LoggerSink: log lines to the logger (logger/protocol.h). Never blocks: a full channel drops lines,
// which are counted.
#pragma once

#include "base/fd.h"
#include "base/log.h"

namespace dmpm {

class LoggerSink final : public LogSink {
 public:
  explicit LoggerSink(Fd channel) : channel_(std::move(channel)) {}
  bool write(LogLevel level, std::string_view line) override;

 private:
  Fd channel_;
};

}  // namespace dmpm
