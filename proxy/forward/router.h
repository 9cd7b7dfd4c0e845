// Router: host name -> virtual host -> group. The table of what is served, as the master told it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metrics/segment.h"

namespace dmpm::forward {

struct VirtualHost {
  uint32_t group = 0;        // protocol::kNoGroup: its site file is broken
  uint32_t certificate = 0;  // protocol::kNoCertificate: none
  std::vector<std::string> names;
  bool logged = false;                          // its exchanges are told to the access log
  uint32_t number = 0;                          // given by Router::set()
  mutable metrics::HostRow* counted = nullptr;  // where, once there was a request
};

class Router {
 public:
  // New or changed. Names are lower case; "*.x" stands for everything below x.
  void set(uint32_t number, VirtualHost host);
  void remove(uint32_t number);

  // The virtual host for `host` (any case, with or without a trailing dot, no port): an exact name,
  // else the longest wildcard. Null: not served here. Valid until the next set() or remove().
  const VirtualHost* find(std::string_view host) const;
  // For a client that names no host that is served: the lowest numbered one with a certificate.
  const VirtualHost* fallback() const;
  size_t size() const { return hosts_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Names = std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>>;

  const VirtualHost* find_in(const Names& names, std::string_view name) const;
  void forget_names(uint32_t number, const VirtualHost& host);

  std::unordered_map<uint32_t, VirtualHost> hosts_;
  Names exact_;
  Names below_;                 // without the "*."
  mutable std::string lookup_;  // the normalized name; kept for its memory
};

}  // namespace dmpm::forward
