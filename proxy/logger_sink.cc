#include "proxy/logger_sink.h"

#include <sys/socket.h>

#include "base/wire.h"
#include "logger/protocol.h"

namespace dmpm {

bool LoggerSink::write(LogLevel level, std::string_view line) {
  WireWriter message;
  message.u32(static_cast<uint32_t>(logger_protocol::LoggerNotice::line))
      .u32(static_cast<uint32_t>(level))
      .string(line);
  const std::string& bytes = message.bytes();
  const bool sent = ::send(channel_.get(), bytes.data(), bytes.size(),
                           MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(bytes.size());
  if (!sent) dropped_.add();
  return sent;
}

}  // namespace dmpm
