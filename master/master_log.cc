#include "master/master_log.h"

#include <unistd.h>

#include "base/text.h"

namespace dmpm::master {

MasterLog::MasterLog() : standard_error_(STDERR_FILENO), log_("master", *this) {}

bool MasterLog::write(LogLevel level, std::string_view line) {
  const bool written = standard_error_.write(level, line);
  const bool logged = logger_ == nullptr || logger_->line(level, line);
  if (!logged && dropped_ != nullptr) dropped_->add();
  return logged && written;
}

void MasterLog::announce(std::string_view text) {
  standard_error_.write(LogLevel::info, text);
  if (logger_ != nullptr) logger_->line(LogLevel::info, concat({"info master: ", text}));
}

}  // namespace dmpm::master
