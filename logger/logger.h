// Logger: the process's one object. Takes the master's notices and owns every log file and pipe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/channel.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/wire.h"
#include "logger/access_logs.h"
#include "logger/dispatcher_lines.h"
#include "logger/exchange_channel.h"
#include "logger/group_log.h"
#include "logger/log_file.h"

namespace dmpm {

class Logger final : ChannelHandler, MasterFirst {
 public:
  // `directory` is the log directory; the welcome has been taken from `master` already.
  Logger(EventLoop& loop, Fd master, Fd dispatchers, Fd exchanges, Fd directory);

  // Opens what is needed from the start. Then the loop may run; it stops by itself when the master
  // says stop or has gone, after everything that was said to it has been written.
  Status start();

 private:
  void on_message(std::string_view message) override;
  void on_channel_closed(std::string_view reason) override;
  void hear_master() override;
  void open_worker_log(WireReader& reader);
  void close_worker_log(WireReader& reader);
  void write_line(WireReader& reader);
  void set_access_log(WireReader& reader);
  void set_host_logs(WireReader& reader);
  void remove_host_logs(WireReader& reader);
  void check(const Status& status);
  void reopen(WireReader& reader);
  void finish();

  EventLoop& loop_;
  Fd directory_;
  LogFile file_;  // dmpm.log
  DispatcherLines dispatchers_;
  AccessLogs access_logs_;
  ExchangeChannel exchanges_;
  std::map<std::string, GroupLog> groups_;         // those with a pipe
  std::map<uint32_t, std::string> group_of_pipe_;  // by id
  Channel master_;
};

}  // namespace dmpm
