// A real dmpm-master, with dmpm-relay in the places of dmpm-dispatcher and dmpm-logger, so that the
// test plays both.
#pragma once

#include <sys/types.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "logger/protocol.h"
#include "master/protocol.h"
#include "tests/master/fixture.h"

namespace dmpm::master::test {

// The test's end of one service process.
class RelayEnd {
 public:
  explicit RelayEnd(Fd fd) : fd_(std::move(fd)) { inherited = receive(); }

  // The fields of the next notice of this kind; those before it are dropped. Fails the test if it
  // does not come in time.
  std::string hear(uint32_t kind);
  std::string hear(protocol::Notice kind) { return hear(static_cast<uint32_t>(kind)); }
  std::string hear(logger_protocol::LoggerNotice kind) { return hear(static_cast<uint32_t>(kind)); }
  void say(protocol::RequestType type, uint32_t group = 0, uint32_t worker = 0,
           uint32_t argument = 0);
  void say_bytes(std::string_view bytes);
  // The process (and so the connection) ends.
  bool has_ended();
  pid_t pid() const { return std::stoi(inherited); }

  std::string inherited;

 private:
  std::string receive();  // empty at the end
  Fd fd_;
  std::string unheard_;  // the rest of a message
};

class MasterProcess {
 public:
  // `directory` gets the programs; `configuration` is the file's text.
  MasterProcess(const TemporaryDirectory& directory, const std::string& configuration);
  ~MasterProcess();

  // The next dispatcher or logger process that is started.
  RelayEnd next_dispatcher() { return accept(dispatchers_); }
  RelayEnd next_logger() { return accept(loggers_); }
  // Reads standard error up to a line that contains `part`; returns it. Fails the test otherwise.
  std::string wait_for(std::string_view part);
  void signal(int number) const;
  int wait_for_exit();

 private:
  static RelayEnd accept(const Fd& listener);
  const std::string runtime_;
  Fd dispatchers_, loggers_, error_;
  std::string unread_, read_;
  pid_t pid_ = -1;
};

}  // namespace dmpm::master::test
