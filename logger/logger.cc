#include "logger/logger.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "logger/limits.h"
#include "logger/protocol.h"

namespace dmpm {

using logger_protocol::LoggerNotice;

Logger::Logger(EventLoop& loop, Fd master, Fd dispatchers, Fd exchanges, Fd directory)
    : loop_(loop),
      directory_(std::move(directory)),
      file_(loop, directory_.get(), "dmpm.log"),
      dispatchers_(loop, std::move(dispatchers), file_),
      access_logs_(loop, directory_.get(), file_),
      exchanges_(loop, std::move(exchanges), *this, access_logs_, file_),
      master_(loop, std::move(master), *this, logger_limits::kMaxQueuedToMaster) {}

Status Logger::start() {
  for (const char* name : {"workers", "sites"}) {
    if (::mkdirat(directory_.get(), name, 0750) != 0 && errno != EEXIST) {
      return Error::from_errno(concat({"mkdir ", name, " in the log directory"}), errno);
    }
  }
  return file_.open();
}

void Logger::on_message(std::string_view message) {
  WireReader reader(message);
  switch (static_cast<LoggerNotice>(reader.u32())) {
    case LoggerNotice::line: return write_line(reader);
    case LoggerNotice::open_worker_log: return open_worker_log(reader);
    case LoggerNotice::close_worker_log: return close_worker_log(reader);
    case LoggerNotice::access_log: return set_access_log(reader);
    case LoggerNotice::host_logs: return set_host_logs(reader);
    case LoggerNotice::remove_host_logs: return remove_host_logs(reader);
    case LoggerNotice::reopen: return reopen(reader);
    case LoggerNotice::stop: return finish();
    case LoggerNotice::welcome: break;  // the first message only
  }
  file_.say(LogLevel::error, "unexpected message from the master");
}

void Logger::on_channel_closed(std::string_view) {
  finish();
}

void Logger::write_line(WireReader& reader) {
  reader.u32();  // the level stands in the text
  const std::string_view text = reader.string();
  if (reader.complete()) file_.append(text);
}

void Logger::open_worker_log(WireReader& reader) {
  const uint32_t id = reader.u32();
  const std::string group(reader.string());
  const std::string path(reader.string());
  if (!reader.complete()) return;
  auto [entry, added] = groups_.try_emplace(group, loop_, directory_.get(), group);
  const Status opened = entry->second.open_pipe(id, path);
  if (!opened.ok()) {
    file_.say(LogLevel::error, concat({"no log of group ", group, ": ", opened.error().message}));
  }
  if (entry->second.has_pipe(id)) {
    group_of_pipe_[id] = group;
  } else {
    group_of_pipe_.erase(id);
    if (entry->second.unused()) groups_.erase(entry);
  }
}

void Logger::close_worker_log(WireReader& reader) {
  const auto known = group_of_pipe_.find(reader.u32());
  if (!reader.complete() || known == group_of_pipe_.end()) return;
  const auto group = groups_.find(known->second);
  group->second.close_pipe(known->first);
  group_of_pipe_.erase(known);
  if (group->second.unused()) groups_.erase(group);
}

// ---- access logs ----

void Logger::hear_master() {
  static_cast<IoHandler&>(master_).on_readable();
}

void Logger::set_access_log(WireReader& reader) {
  const std::string file(reader.string());
  const std::string format(reader.string());
  if (reader.complete()) check(access_logs_.set_common(file, format));
}

void Logger::set_host_logs(WireReader& reader) {
  while (reader.ok() && !reader.at_end()) {
    const uint32_t number = reader.u32();
    AccessLogs::HostLog log;
    log.name = reader.string();
    log.group = reader.string();
    log.in_common = reader.u32() != 0;
    log.file = reader.string();
    log.format = reader.string();
    if (reader.ok()) check(access_logs_.set_host(number, std::move(log)));
  }
}

void Logger::remove_host_logs(WireReader& reader) {
  while (reader.ok() && !reader.at_end()) access_logs_.remove_host(reader.u32());
}

// The master has checked what it sends: an error means that the two are not of one build.
void Logger::check(const Status& status) {
  if (!status.ok()) file_.say(LogLevel::error, concat({"an access log: ", status.error().message}));
}

void Logger::reopen(WireReader&) {
  for (auto& [name, group] : groups_) group.reopen();
  access_logs_.reopen();
  file_.reopen();
  file_.say(LogLevel::info, "log files reopened");
}

void Logger::finish() {
  dispatchers_.drain();
  exchanges_.drain();
  access_logs_.flush();
  groups_.clear();
  group_of_pipe_.clear();
  file_.flush();
  loop_.stop();
}

}  // namespace dmpm
