// What `dmpm status` is told (master/control_protocol.h): what the master knows, from its own book.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/wire.h"
#include "master/control_protocol.h"

namespace dmpm::master {

// Collects items and hands them on in messages of a size that a channel takes.
class StatusReport {
 public:
  // `send` takes one message.
  explicit StatusReport(std::function<void(std::string_view)> send) : send_(std::move(send)) {}
  ~StatusReport() { flush(); }
  StatusReport(const StatusReport&) = delete;
  StatusReport& operator=(const StatusReport&) = delete;

  // The fields of an item, to be written at once. An item is smaller than a fourth of a message.
  WireWriter& item(control_protocol::Item kind) {
    if (writer_.bytes().size() >= kFull) flush();
    return writer_.u32(static_cast<uint32_t>(kind));
  }

 private:
  static constexpr size_t kFull = size_t{64} << 10;
  void flush() {
    const std::string message = writer_.take();
    writer_ = {};
    if (!message.empty()) send_(message);
  }

  const std::function<void(std::string_view)> send_;
  WireWriter writer_;
};

}  // namespace dmpm::master
