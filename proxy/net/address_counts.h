// AddressCounts: how many connections each client address has: an IPv4 address, or an IPv6 /64, of
// which a single customer has all.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <cstring>
#include <unordered_map>

#include "base/socket.h"

namespace dmpm::net {

class AddressCounts {
 public:
  using Key = uint64_t;

  static Key key_of(const SocketAddress& address) {
    if (address.family() == AF_INET) {
      return reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr.s_addr;
    }
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr;
    Key key = 0;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      std::memcpy(&key, v6.s6_addr + 12, 4);
    } else {
      std::memcpy(&key, v6.s6_addr, sizeof key);
    }
    return key;
  }

  // Counts one more, unless `key` has `limit` already.
  bool add(Key key, size_t limit) {
    uint32_t& count = counts_[key];
    if (count >= limit) return false;
    ++count;
    return true;
  }
  void remove(Key key) {
    const auto it = counts_.find(key);
    if (it != counts_.end() && --it->second == 0) counts_.erase(it);
  }

 private:
  std::unordered_map<Key, uint32_t> counts_;
};

}  // namespace dmpm::net
