// AccessLogs: which exchange is written to which files, and those files.
//
// The master says which logs there are (logger/protocol.h); a dispatcher names a virtual host by number
// only. Numbers are never used twice, so that what was in flight when a virtual host was removed is
// still logged as it should be: removed ones are remembered for a while. A virtual host that is not
// known is none.
//
// Files are opened when something is to be written, and the least recently used are closed as there
// are too many. What is pending is written at the end of a round when that means few writes; else a
// little later, so that a machine of many sites does not pay a system call for each line.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/access_format.h"
#include "base/event_loop.h"
#include "base/intrusive_list.h"
#include "base/result.h"
#include "logger/access_line.h"
#include "logger/exchange_reader.h"
#include "logger/log_file.h"

namespace dmpm {

class AccessLogs final : Deferred, TimerHandler {
 public:
  struct HostLog {
    std::string name, group;
    bool in_common = false;
    std::string file;    // its own; empty: none
    std::string format;  // of that
  };

  // `directory` is the log directory; what is lost is reported in `reports`. Both outlive this.
  AccessLogs(EventLoop& loop, int directory, LogFile& reports);
  ~AccessLogs() { flush(); }

  // From the master. The error is a format that cannot be.
  Status set_common(const std::string& file, const std::string& format);
  Status set_host(uint32_t number, HostLog log);
  void remove_host(uint32_t number);

  // One message's records are written with one look at the clocks.
  void begin_message();
  void write(const ReportedExchange& exchange);

  void flush();
  // The files were moved away.
  void reopen();

 private:
  using FormatPointer = std::shared_ptr<const AccessFormat>;
  struct Host {
    std::string name, group;
    bool in_common = false;
    std::string path;
    FormatPointer format;
    bool removed = false;
  };
  struct ByUse;
  struct Dirty;
  struct OpenFile : ListNode<OpenFile, ByUse>, ListNode<OpenFile, Dirty> {
    OpenFile(EventLoop& loop, int directory, const std::string& path, LogFile& reports)
        : file(loop, directory, path, &reports) {}
    LogFile file;
  };

  void run_deferred() override;
  void on_timer() override { flush(); }
  Result<FormatPointer> format(const std::string& text);
  OpenFile& open(const std::string& path);
  void write_to(const std::string& path, const AccessFormat& format,
                const ReportedExchange& exchange, const AccessContext& context);
  int64_t wall_clock(int64_t monotonic) const;

  EventLoop& loop_;
  const int directory_;
  LogFile& reports_;
  AccessLine line_;
  std::string common_path_;  // empty: none
  FormatPointer common_format_;
  std::unordered_map<uint32_t, Host> hosts_;
  std::deque<uint32_t> removed_;  // oldest first
  // Formats are few and shared by many.
  std::unordered_map<std::string, std::weak_ptr<const AccessFormat>> formats_;
  std::unordered_map<std::string, std::unique_ptr<OpenFile>> files_;  // by path
  IntrusiveList<OpenFile, ByUse> by_use_;  // the least recently used first
  IntrusiveList<OpenFile, Dirty> dirty_;
  size_t dirty_count_ = 0;
  size_t pending_ = 0;  // bytes appended since the last flush of all
  Timer timer_;
  int64_t monotonic_now_ = 0, wall_now_ = 0;
};

}  // namespace dmpm
