// A worker's log pipe: what is its standard output and error, and what the logger reads.
//
// The master holds the pipe open too, so that what a worker wrote last is not lost when the worker
// dies before the logger has opened it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace dmpm::master {

// Whoever reads workers' logs: the logger, told through LoggerLink.
class WorkerLogReader {
 public:
  // `pipe` is a path relative to the log directory.
  virtual void open_worker_log(uint32_t id, const std::string& group, const std::string& pipe) = 0;
  virtual void close_worker_log(uint32_t id) = 0;

 protected:
  ~WorkerLogReader() = default;
};

// A FIFO for the next worker, made while nobody waits: on a disk's file system that takes tenths of a
// millisecond. It is root's alone until it is taken. One from before an upgrade is as good.
class SparePipe {
 public:
  // In the directory `pipes`, which must outlive it.
  explicit SparePipe(int pipes) : pipes_(pipes) {}
  SparePipe(const SparePipe&) = delete;
  SparePipe& operator=(const SparePipe&) = delete;
  ~SparePipe();
  // Unless there is one. When it fails, the next worker's is made when it is needed.
  void make();
  // Gives it a name; false when there is none.
  bool take(const std::string& name);

 private:
  int pipes_;
};

class WorkerLog {
 public:
  // Makes the FIFO `name` in the directory `pipes`, which must outlive it: the worker's user can
  // write (and open /dev/stderr anew), the logger's group read.
  static Result<WorkerLog> make(int pipes, SparePipe& spare, std::string name, uid_t worker,
                                gid_t logger);
  // One that the master before made.
  static WorkerLog take_over(int pipes, std::string name, Fd fd);
  WorkerLog(WorkerLog&&) = default;
  WorkerLog& operator=(WorkerLog&&) = delete;
  // Removes the FIFO.
  ~WorkerLog();

  // Open for reading and writing, so that writing to it is no error while nobody reads.
  int fd() const { return fd_.get(); }

 private:
  WorkerLog(int pipes, std::string name, Fd fd)
      : pipes_(pipes), name_(std::move(name)), fd_(std::move(fd)) {}
  int pipes_;
  std::string name_;
  Fd fd_;
};

}  // namespace dmpm::master
