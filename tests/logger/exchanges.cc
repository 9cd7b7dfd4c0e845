#include "tests/logger/exchanges.h"

#include <chrono>

namespace dmpm::test {

using exchange_protocol::MessageHead;
using exchange_protocol::Record;
using exchange_protocol::Text;

MadeExchange plain_exchange() {
  MadeExchange made;
  made.record.virtual_host = 7;
  made.record.ended = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::steady_clock::now().time_since_epoch())
                          .count();
  made.record.body_sent = 12;
  made.record.total = 1034;
  made.record.first_byte = 1033;
  made.record.connection_requests = 1;
  made.record.status = 200;
  made.record.protocol = exchange_protocol::Protocol::http_1_1;
  made.texts = {{Text::client, "192.0.2.7"},
                {Text::method, "GET"},
                {Text::target, "/a?b"},
                {Text::host, "a.test"}};
  return made;
}

std::string encode(const MadeExchange& exchange) {
  Record record = exchange.record;
  std::string texts;
  for (size_t i = 0; i < exchange_protocol::kTexts; ++i) {
    const auto text = exchange.texts.find(static_cast<Text>(i));
    if (text == exchange.texts.end()) continue;
    record.text_size[i] = static_cast<uint16_t>(text->second.size());
    texts += text->second;
  }
  record.size = static_cast<uint32_t>(sizeof record + texts.size());
  return std::string(reinterpret_cast<const char*>(&record), sizeof record) + texts;
}

std::string message(const std::vector<MadeExchange>& exchanges, uint64_t dropped) {
  MessageHead head;
  head.count = static_cast<uint32_t>(exchanges.size());
  head.dropped = dropped;
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  for (const MadeExchange& exchange : exchanges) bytes += encode(exchange);
  return bytes;
}

}  // namespace dmpm::test
