// What the logger's tests share: a temporary log directory, FIFOs in it, and waiting for a
// condition while an event loop runs.
#pragma once

#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/fd.h"
#include "logger/protocol.h"
#include "tests/base/run_until.h"

namespace dmpm::test {

// Made new, removed with everything in it at the end.
class LogDirectory {
 public:
  LogDirectory();
  ~LogDirectory();
  LogDirectory(const LogDirectory&) = delete;
  LogDirectory& operator=(const LogDirectory&) = delete;

  const std::string& path() const { return path_; }
  Fd descriptor() const;
  // Empty when there is no such file.
  std::string read(const std::string& name) const;
  // The lines of a file without their time stamps. A line without one fails the test.
  std::vector<std::string> lines(const std::string& name) const;
  bool exists(const std::string& name) const;
  // Makes `.pipes/NAME`, opened as a worker holds it: for reading and writing, not blocking.
  Fd make_pipe(const std::string& name) const;

 private:
  std::string path_;
};

void write_all(const Fd& fd, std::string_view bytes);

std::string line_message(std::string_view text);
std::string open_message(uint32_t id, std::string_view group, std::string_view pipe);
std::string close_message(uint32_t id);
std::string plain_message(logger_protocol::LoggerNotice notice);
std::string welcome_message(uint32_t uid, uint32_t gid, std::string_view directory);

}  // namespace dmpm::test
