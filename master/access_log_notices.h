// The logger's notices about access logs (logger/protocol.h), encoded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/configuration.h"

namespace dmpm::master {

// Many virtual hosts in few messages.
class HostLogNotices {
 public:
  // The log of all virtual hosts.
  void set_common(const config::AccessLog& log);
  // `main` is what the configuration says for all.
  void add(uint32_t number, const config::VirtualHost& host, const config::AccessLog& main);
  void remove(uint32_t number);
  std::vector<std::string> take();

 private:
  void begin(uint32_t kind);

  std::vector<std::string> messages_;
  uint32_t kind_ = 0;  // of the last one, while it may grow
};

}  // namespace dmpm::master
