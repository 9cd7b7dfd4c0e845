// A segment as two processes have it: one writes, one reads.
#pragma once

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/wire.h"
#include "master/protocol.h"
#include "metrics/mapping.h"
#include "metrics/row_book.h"
#include "metrics/segments.h"

namespace dmpm::metrics::test {

template <typename Segment>
struct Shared {
  Shared() {
    REQUIRE(memory);
    REQUIRE(::ftruncate(memory.get(), sizeof(Segment)) == 0);
    written = std::move(*Mapping<Segment>::of(memory.get()));
  }
  Mapping<const Segment> read() const {
    return std::move(*Mapping<const Segment>::of(memory.get()));
  }
  Fd memory{::memfd_create("test", MFD_CLOEXEC)};
  Mapping<Segment> written;
};

// A master and two dispatchers, of which the first runs.
struct House {
  House() { master.written->services[0].starts.set(1), master.written->services[0].pid.set(100); }
  Segments segments() const {
    std::vector<Segments::Dispatcher> dispatchers;
    dispatchers.push_back(first.read());
    dispatchers.push_back(second.read());
    return Segments(master.read(), std::move(dispatchers));
  }
  void start_second() {
    master.written->services[1].starts.set(1);
    master.written->services[1].pid.set(101);
  }
  Shared<MasterSegment> master;
  Shared<DispatcherSegment> first, second;
};

inline WireWriter notice(protocol::Notice kind) {
  WireWriter writer;
  writer.u32(static_cast<uint32_t>(kind));
  return writer;
}
inline std::string group_notice(uint32_t number, std::string_view name) {
  return notice(protocol::Notice::group).u32(number).string(name).u32(1).take();
}
inline std::string host_notice(uint32_t number, uint32_t group, std::string_view name) {
  return notice(protocol::Notice::virtual_host)
      .u32(number)
      .u32(group)
      .u32(0)
      .u32(0)
      .u32(2)
      .string(name)
      .string("other.test")
      .take();
}
inline std::string commit() {
  return notice(protocol::Notice::commit).u32(1).take();
}

}  // namespace dmpm::metrics::test
