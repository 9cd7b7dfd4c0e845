// Records of exchanges as a dispatcher makes them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "logger/exchange_protocol.h"

namespace dmpm::test {

struct MadeExchange {
  exchange_protocol::Record record;
  std::map<exchange_protocol::Text, std::string> texts;
};

// A plain GET of virtual host 7 that ended just now.
MadeExchange plain_exchange();

std::string encode(const MadeExchange& exchange);
std::string message(const std::vector<MadeExchange>& exchanges, uint64_t dropped = 0);

}  // namespace dmpm::test
