// The directories that the master makes at its start, and the lock that keeps a second master away.
//
//   RUNTIME/             root:root 0711
//     master.lock        flock'ed as long as the master lives
//     empty/               root:root 0555       the keyholder's root directory: nothing is ever in it
//     sockets/           root:DISPATCHER 0710  the dispatchers' root directory: they can connect to
//                                              what is in it, not list or change it; workers cannot
//                                              enter it at all
//       GROUP.N          root:DISPATCHER 0660  a worker's socket
//   LOG/                 LOGGER:LOGGER 0750
//     .pipes/            root:LOGGER 0710      the logger can open what is in it by name
//       GROUP.N          WORKER:LOGGER 0240    a worker's log pipe
//   PRIVATE/             root:root 0711
//     GROUP.UID          UID:GID 0700          for a group's preset; stays when the group goes
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "config/configuration.h"

namespace dmpm::master {

struct Directories {
  Fd lock;
  std::string sockets;  // path
  std::string empty;    // path
  Fd privates;          // PRIVATE
  Fd pipes;             // what is in it is reached through this, since its parent is the logger's
};

// Makes what is missing, sets owners and modes, takes the lock and removes sockets and pipes of an
// earlier run; with the `lock` of a master that hands over, those are in use and stay. Refuses symbolic links and directories that somebody else owns or may write.
Result<Directories> prepare_directories(const config::Configuration& configuration, Fd lock = Fd());

// A group's directory in PRIVATE, made when it is missing. Only root can put anything there, so nobody else
// can take the name. The path's last part.
Result<std::string> make_private_directory(int privates, const std::string& group,
                                           const config::Identity& identity);

}  // namespace dmpm::master
