// ExchangeReader: a dispatcher's message about exchanges -> its records, none of it trusted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "logger/exchange_protocol.h"

namespace dmpm {

struct ReportedExchange {
  exchange_protocol::Record record;
  std::array<std::string_view, exchange_protocol::kTexts> texts;  // valid as long as the message
};

class ExchangeReader {
 public:
  explicit ExchangeReader(std::string_view message);

  // The next record; nothing at the end, and from the first one on that does not add up.
  std::optional<ReportedExchange> next();
  // How many records are missing: announced by the head and not there, or malformed. At the end.
  uint32_t malformed() const { return left_; }
  // How many the dispatcher had to drop.
  uint64_t dropped() const { return head_.dropped; }
  // The message itself is none.
  bool broken() const { return broken_; }

 private:
  exchange_protocol::MessageHead head_;
  std::string_view rest_;
  uint32_t left_ = 0;
  bool broken_ = false;
};

}  // namespace dmpm
