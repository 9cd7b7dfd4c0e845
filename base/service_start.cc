#include "base/service_start.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <string_view>
#include <vector>

#include "base/channel.h"
#include "base/lockdown.h"
#include "base/wire.h"

namespace dmpm {

void ignore_signals_of_others() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
}

Result<std::string> receive_welcome(int channel, uint32_t notice) {
  std::vector<char> bytes(Channel::kMaxMessage);
  const ssize_t size = ::recv(channel, bytes.data(), bytes.size(), 0);
  if (size <= 0) return Error{"the master sent no welcome"};
  const std::string_view message(bytes.data(), static_cast<size_t>(size));
  if (WireReader(message).u32() != notice) {
    return Error{"the master's first message is no welcome"};
  }
  return std::string(message.substr(sizeof notice));
}

Status lockdown::write_no_file() {
#ifdef DMPM_SANITIZED
  constexpr rlim_t kMost = 1 << 20;
#else
  constexpr rlim_t kMost = 0;
#endif
  return limit(RLIMIT_FSIZE, kMost, "FSIZE");
}

}  // namespace dmpm
