#include "logger/exchange_reader.h"

#include <cstring>
#include <numeric>
#include <type_traits>

namespace dmpm {

using exchange_protocol::MessageHead;
using exchange_protocol::Outcome;
using exchange_protocol::Protocol;
using exchange_protocol::Record;

static_assert(std::is_trivially_copyable_v<Record> && std::is_trivially_copyable_v<MessageHead>);

namespace {

// Everything that is read as a size or as a value of an enumeration.
bool adds_up(const Record& record, size_t available) {
  if (record.size > available || record.protocol > Protocol::http_2 ||
      record.outcome > Outcome::aborted) {
    return false;
  }
  size_t size = sizeof record;
  for (size_t i = 0; i < exchange_protocol::kTexts; ++i) {
    if (record.text_size[i] > exchange_protocol::kMaxText[i]) return false;
    size += record.text_size[i];
  }
  return size == record.size;
}

// A dispatcher cannot have more in one message, whatever it says.
constexpr uint32_t kMostRecords = exchange_protocol::kMaxMessage / sizeof(Record);

}  // namespace

ExchangeReader::ExchangeReader(std::string_view message) {
  if (message.size() < sizeof head_) {
    broken_ = true;
    return;
  }
  std::memcpy(&head_, message.data(), sizeof head_);
  rest_ = message.substr(sizeof head_);
  broken_ = head_.count == 0 || head_.count > kMostRecords;
  if (!broken_) left_ = head_.count;
}

std::optional<ReportedExchange> ExchangeReader::next() {
  if (left_ == 0 || rest_.size() < sizeof(Record)) return std::nullopt;
  ReportedExchange exchange;
  std::memcpy(&exchange.record, rest_.data(), sizeof exchange.record);
  if (!adds_up(exchange.record, rest_.size())) {
    rest_ = {};
    return std::nullopt;
  }
  size_t at = sizeof exchange.record;
  for (size_t i = 0; i < exchange_protocol::kTexts; ++i) {
    exchange.texts[i] = rest_.substr(at, exchange.record.text_size[i]);
    at += exchange.record.text_size[i];
  }
  rest_.remove_prefix(at);
  --left_;
  return exchange;
}

}  // namespace dmpm
