// LogFile: a file that lines are appended to, with one write for all lines of a round.
//
// Opened with the first line, so that a group that says nothing has neither file nor descriptor.
// What cannot be written (the disk is full) is lost and counted; the file says how many lines are
// missing as soon as it can be written again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"

namespace dmpm {

class LogFile final : Deferred, TimerHandler {
 public:
  // `path` is relative to `directory`, a descriptor that outlives the file. What is lost is said in the
  // file itself, or in `reports` where its lines have a form of their own.
  LogFile(EventLoop& loop, int directory, std::string path, LogFile* reports = nullptr);
  ~LogFile() { flush(); }

  // So that a directory that cannot be written to is known at the start.
  Status open();
  // Stamps one line and queues it until the end of the round; foreign bytes in it are escaped.
  void append(std::string_view line);
  // What is queued, for lines that need neither stamp nor escapes: the caller appends whole ones and
  // calls flush() in time.
  std::string& lines();
  const std::string& path() const { return path_; }
  // A line of the logger's own.
  void say(LogLevel level, std::string_view text);
  // Writes what is queued.
  void flush();
  // The file was moved away: the next line opens a new one.
  void reopen();

 private:
  void run_deferred() override { flush(); }
  void on_timer() override { flush(); }
  std::string loss_notice() const;
  std::string losses() const;
  void report_losses();
  void count_loss(std::string_view unwritten, std::string_view reason);

  EventLoop& loop_;
  const int directory_;
  const std::string path_;
  LogFile* const reports_;
  Fd fd_;
  Timer retry_;
  std::string pending_;
  size_t last_size_ = 0;  // of what was written together
  uint64_t lost_ = 0;     // lines not yet reported
  std::string reason_;    // why they are lost
  bool torn_ = false;     // the file ends in the middle of a line
};

}  // namespace dmpm
