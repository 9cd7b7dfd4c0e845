#include "master/worker_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/socket.h"
#include "base/text.h"
#include "master/limits.h"

namespace dmpm::master {

Result<WorkerSocket> WorkerSocket::make(const std::string& directory, const std::string& name,
                                        gid_t clients) {
  std::string path = concat({directory, "/", name});
  const auto address = SocketAddress::unix_path(path);
  if (!address) return address.error();
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::bind(fd.get(), address.value().get(), address.value().size) != 0) {
    return Error::from_errno(concat({"cannot bind ", path}), errno);
  }
  WorkerSocket socket(std::move(path), std::move(fd));
  // Nobody but root can change the directory, so the path is still the socket.
  if (::chmod(socket.path_.c_str(), 0660) != 0 || ::chown(socket.path_.c_str(), 0, clients) != 0 ||
      ::listen(socket.fd(), kWorkerBacklog) != 0) {
    return Error::from_errno(concat({"cannot listen on ", socket.path_}), errno);
  }
  return socket;
}

WorkerSocket::~WorkerSocket() {
  if (fd_) ::unlink(path_.c_str());
}

bool WorkerSocket::connection_waits() const {
  pollfd waiting{fd_.get(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0;
}

}  // namespace dmpm::master
