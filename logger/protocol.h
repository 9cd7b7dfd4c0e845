// What the logger is told. One message is one record; u32 and strings in base/wire.h encoding.
//
//   from the master (kMasterChannel), trusted:
//     u32 LoggerNotice::welcome, u32 uid, u32 gid, string log directory. First; the logger locks
//         itself down with these.
//     u32 open_worker_log, u32 id, string group, string pipe name (relative to the log directory)
//     u32 close_worker_log, u32 id     (what is still in the pipe is read first)
//     u32 reopen                       (SIGUSR1: the files were moved away)
//     u32 line, u32 level, string text (the master's own log)
//     u32 access_log, string file (empty: none), string format (base/access_format.h)
//         (the log of all virtual hosts)
//     u32 host_logs, then for each virtual host: u32 number, string name, string group, u32 in the
//         log for all, string file of its own (empty: none), string format   (new or changed)
//     u32 remove_host_logs, then u32 number of each
//     u32 stop                         (empty what is in the channels, then exit)
//
//   from the dispatchers (kLoggerDispatchers), not trusted beyond their own lines:
//     u32 LoggerNotice::line, u32 level, string text
//
//   from the dispatchers (kLoggerExchanges), not trusted: logger/exchange_protocol.h
//
// Files: dmpm.log (lines of master and dispatchers), workers/GROUP.log (standard error of a group's
// workers), and the access logs: the one for all, and sites/FILE for those of virtual hosts. Each
// line of the first two begins with the logger's own time stamp. The logger parses no HTTP.
#pragma once

#include <cstdint>

namespace dmpm::logger_protocol {

enum class LoggerNotice : uint32_t {
  welcome = 1,
  open_worker_log = 2,
  close_worker_log = 3,
  reopen = 4,
  line = 5,
  stop = 6,
  access_log = 7,
  host_logs = 8,
  remove_host_logs = 9,
};

// A worker's log pipe is a FIFO in this directory below the log directory, made by the master,
// readable by the logger and writable by the worker's user through its inherited descriptor only
// (the directory itself is closed to everybody but root and the logger's group). Workers hold it
// open for reading and writing, so that the logger's death is neither an error nor a signal to
// them: the kernel keeps up to 64 KiB until its successor reads on.
inline constexpr char kPipeDirectory[] = ".pipes";

}  // namespace dmpm::logger_protocol
