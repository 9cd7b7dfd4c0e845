#include "logger/dispatcher_lines.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include "base/text.h"
#include "base/wire.h"
#include "logger/limits.h"
#include "logger/protocol.h"

namespace dmpm {

using logger_protocol::LoggerNotice;

namespace {
// Level, process and text of a line as base/log.h makes them, in its envelope.
constexpr size_t kMaxMessage = logger_limits::kMaxLine + 1024;

// As base/log.h writes it: "LEVEL dispatcher...: text".
bool names_a_dispatcher(std::string_view text) {
  for (LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    if (text.starts_with(concat({to_string(level), " dispatcher"}))) return true;
  }
  return false;
}
}  // namespace

DispatcherLines::DispatcherLines(EventLoop& loop, Fd fd, LogFile& file)
    : fd_(std::move(fd)),
      file_(file),
      gate_(loop, file, {logger_limits::kDispatcherLinesPerSecond, logger_limits::kDispatcherBurst},
            {logger_limits::kDispatcherBytesPerSecond, logger_limits::kDispatcherBytesBurst}),
      watcher_(loop, fd_.get(), *this) {
  watcher_.watch_read(true);
}

void DispatcherLines::on_readable() {
  read_messages(logger_limits::kDispatcherMessages);
}

void DispatcherLines::drain() {
  read_messages(logger_limits::kMaxLastMessages);
}

void DispatcherLines::read_messages(int count) {
  std::array<char, kMaxMessage> bytes;
  for (; count > 0; --count) {
    // An empty message and the end of the channel look alike, until something comes behind it. The
    // end comes only with that of the master, which its own channel tells.
    const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0) return;
    if (size == 0) {
      empty_ = true;
      continue;
    }
    if (std::exchange(empty_, false)) on_message({}, false);
    const size_t got = std::min(static_cast<size_t>(size), bytes.size());
    on_message({bytes.data(), got}, got < static_cast<size_t>(size));
  }
}

void DispatcherLines::on_message(std::string_view message, bool truncated) {
  if (!gate_.admit(message.size())) return;
  WireReader reader(message);
  const auto notice = static_cast<LoggerNotice>(reader.u32());
  reader.u32();  // the level stands in the text
  const std::string_view text = reader.string();
  if (truncated || notice != LoggerNotice::line || !reader.complete()) {
    file_.say(LogLevel::warning, concat({"malformed message of ", std::to_string(message.size()),
                                         truncated ? " or more" : "", " bytes from a dispatcher"}));
  } else if (names_a_dispatcher(text)) {
    file_.append(text);
  } else {
    file_.append(concat({"warning dispatcher [in the name of another]: ", text}));
  }
}

}  // namespace dmpm
