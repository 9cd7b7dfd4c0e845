// LoggerSink: log lines to the logger (logger/protocol.h). Never blocks: a full channel drops lines,
// which are counted in `dropped`.
#pragma once

#include "base/fd.h"
#include "base/log.h"
#include "metrics/counter.h"

namespace dmpm {

class LoggerSink final : public LogSink {
 public:
  LoggerSink(Fd channel, metrics::Counter& dropped)
      : channel_(std::move(channel)), dropped_(dropped) {}
  bool write(LogLevel level, std::string_view line) override;

 private:
  Fd channel_;
  metrics::Counter& dropped_;
};

}  // namespace dmpm
