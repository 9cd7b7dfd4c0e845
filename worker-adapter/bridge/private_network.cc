#include "worker-adapter/bridge/private_network.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/text.h"

namespace dmpm::adapter {
namespace {

Status write_to(const char* path, const std::string& text) {
  const Fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Error::from_errno(path, errno);
  }
  return {};
}

// "7 7 1": the id 7 is 7 in there too, and no other exists.
std::string itself(unsigned id) {
  return concat({std::to_string(id), " ", std::to_string(id), " 1"});
}

Status bring_loopback_up() {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (!fd || ::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) {
    return Error::from_errno("bringing the loopback interface up", errno);
  }
  return {};
}

Status drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &header, none) != 0) return Error::from_errno("capset", errno);
  return {};
}

}  // namespace

Status enter_private_network() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return Error{concat(
        {"cannot make a private network for the program: ", std::strerror(errno),
         ". The kernel must let users make user namespaces (sysctls user.max_user_namespaces and "
         "kernel.unprivileged_userns_clone); or let the program listen on a Unix path, and say "
         "\"path\" instead of \"port\""})};
  }
  for (const auto& [path, text] : {std::pair{"/proc/self/setgroups", std::string("deny")},
                                   std::pair{"/proc/self/uid_map", itself(uid)},
                                   std::pair{"/proc/self/gid_map", itself(gid)}}) {
    if (const Status status = write_to(path, text); !status.ok()) return status;
  }
  if (const Status status = bring_loopback_up(); !status.ok()) return status;
  return drop_capabilities();
}

}  // namespace dmpm::adapter
