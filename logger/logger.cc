#include "logger/logger.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "logger/limits.h"
#include "logger/protocol.h"

namespace dmpm {

using logger_protocol::LoggerNotice;

Logger::Logger(EventLoop& loop, Fd master, Fd dispatchers, Fd directory)
    : loop_(loop),
      directory_(std::move(directory)),
      file_(loop, directory_.get(), "dmpm.log"),
      dispatchers_(loop, std::move(dispatchers), file_),
      master_(loop, std::move(master), *this, logger_limits::kMaxQueuedToMaster) {}

Status Logger::start() {
  if (::mkdirat(directory_.get(), "workers", 0750) != 0 && errno != EEXIST) {
    return Error::from_errno("mkdir workers in the log directory", errno);
  }
  return file_.open();
}

void Logger::on_message(std::string_view message) {
  WireReader reader(message);
  switch (static_cast<LoggerNotice>(reader.u32())) {
    case LoggerNotice::line: return write_line(reader);
    case LoggerNotice::open_worker_log: return open_worker_log(reader);
    case LoggerNotice::close_worker_log: return close_worker_log(reader);
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
  if (opened.ok()) {
    group_of_pipe_[id] = group;
  } else {
    file_.say(LogLevel::error, concat({"no log of group ", group, ": ", opened.error().message}));
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

void Logger::reopen(WireReader&) {
  for (auto& [name, group] : groups_) group.reopen();
  file_.reopen();
  file_.say(LogLevel::info, "log files reopened");
}

void Logger::finish() {
  dispatchers_.drain();
  groups_.clear();
  group_of_pipe_.clear();
  file_.flush();
  loop_.stop();
}

}  // namespace dmpm
