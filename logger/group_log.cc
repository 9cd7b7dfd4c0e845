#include "logger/group_log.h"

#include "base/text.h"
#include "logger/limits.h"

namespace dmpm {

GroupLog::GroupLog(EventLoop& loop, int directory, const std::string& group)
    : loop_(loop),
      directory_(directory),
      file_(loop, directory, concat({"workers/", group, ".log"})),
      gate_(loop, file_, {logger_limits::kGroupLinesPerSecond, logger_limits::kGroupBurst},
            {logger_limits::kGroupBytesPerSecond, logger_limits::kGroupBytesBurst}) {}

Status GroupLog::open_pipe(uint32_t id, const std::string& path) {
  pipes_.erase(id);
  auto [entry, added] = pipes_.try_emplace(id, loop_, directory_, path, file_, gate_);
  Status opened = entry->second.open();
  if (!opened.ok() && !entry->second.tries_again()) pipes_.erase(entry);
  return opened;
}

}  // namespace dmpm
