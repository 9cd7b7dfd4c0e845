// Log: one line an event, to standard error or to the logger.
//
// A line is "LEVEL process: text". Foreign bytes inside are escaped by whoever builds the text
// (base/text.h) and once more here, so that no line can be forged. Never blocks: what cannot be
// written at once is dropped and counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dmpm {

enum class LogLevel { debug, info, warning, error };
std::string_view to_string(LogLevel level);

class LogSink {
 public:
  // False when the line had to be dropped.
  virtual bool write(LogLevel level, std::string_view line) = 0;
  virtual ~LogSink() = default;
};

// To a descriptor that the caller keeps open (standard error).
class DescriptorSink final : public LogSink {
 public:
  explicit DescriptorSink(int fd) : fd_(fd) {}
  bool write(LogLevel level, std::string_view line) override;

 private:
  const int fd_;
};

class Log {
 public:
  // `process` is the name that lines carry. The sink outlives the log.
  Log(std::string process, LogSink& sink, LogLevel least = LogLevel::info)
      : process_(std::move(process)), sink_(&sink), least_(least) {}

  void write(LogLevel level, std::string_view text);
  void error(std::string_view text) { write(LogLevel::error, text); }
  void warning(std::string_view text) { write(LogLevel::warning, text); }
  void info(std::string_view text) { write(LogLevel::info, text); }
  void debug(std::string_view text) { write(LogLevel::debug, text); }
  uint64_t dropped() const { return dropped_; }

 private:
  std::string process_;
  LogSink* sink_;
  LogLevel least_;
  uint64_t dropped_ = 0;
};

}  // namespace dmpm
