// How dmpm-worker-start says that it failed: a text on kWorkerControl, and it ends.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.h"
#include "master/heritage.h"

namespace dmpm::master {

[[noreturn]] inline void fail(const std::string& message) {
  ::send(heritage::kWorkerControl, message.data(), message.size(), MSG_NOSIGNAL);
  ::_exit(127);
}

inline void step(const Status& status) {
  if (!status.ok()) fail(status.error().message);
}

inline void step(bool ok, std::string_view what) {
  if (!ok) fail(Error::from_errno(what, errno).message);
}

}  // namespace dmpm::master
