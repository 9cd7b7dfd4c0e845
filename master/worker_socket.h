// A worker's listening Unix socket, bound before its process starts and kept by the master until
// the worker is given up: what connects meanwhile waits in its queue and is served by a successor.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace dmpm::master {

class WorkerSocket {
 public:
  // Binds DIRECTORY/NAME, which members of `clients` can connect to.
  static Result<WorkerSocket> make(const std::string& directory, const std::string& name,
                                   gid_t clients);
  // One that the master before made.
  static WorkerSocket take_over(const std::string& directory, const std::string& name, Fd fd);
  WorkerSocket(WorkerSocket&&) = default;
  WorkerSocket& operator=(WorkerSocket&&) = delete;
  // Removes the name: nobody finds the socket any more.
  ~WorkerSocket();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // A connection was made that no process has accepted.
  bool connection_waits() const;

 private:
  WorkerSocket(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  Fd fd_;
};

}  // namespace dmpm::master
