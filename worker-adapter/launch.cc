#include "worker-adapter/launch.h"

#include <fcntl.h>
#include <link.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "master/heritage.h"

namespace dmpm::adapter {
namespace {

// Above what servers close or use by number, if the limit allows it.
int move_socket_away() {
  for (const int least : {100, 10}) {
    const int fd = ::fcntl(heritage::kWorkerSocket, F_DUPFD, least);
    if (fd < 0) continue;
    ::close(heritage::kWorkerSocket);
    return fd;
  }
  return heritage::kWorkerSocket;
}

Result<std::string> socket_path() {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(heritage::kWorkerSocket, any, &size) != 0) {
    return Error::from_errno("descriptor 3, which should be the listening socket", errno);
  }
  if (address.sun_family != AF_UNIX || size <= offsetof(sockaddr_un, sun_path)) {
    return Error{"descriptor 3 is no Unix socket with a path"};
  }
  return std::string(address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path));
}

}  // namespace

Status prepare_preload(const Arguments& arguments, unsigned port) {
  const std::string beside(arguments.program().substr(0, arguments.program().rfind('/')));
  std::string library =
      arguments.value_or("preload_library", concat({beside, "/libdmpm-preload.so"}));
  if (::access(library.c_str(), R_OK) != 0) return Error::from_errno(library, errno);
  auto path = socket_path();
  if (!path) return path.error();
  if (const char* others = ::getenv("LD_PRELOAD")) library = concat({library, ":", others});
  const std::string state =
      concat({std::to_string(move_socket_away()), ":", std::to_string(port), ":4"});
  ::setenv("LD_PRELOAD", library.c_str(), 1);
  ::setenv("DMPM_PRELOAD_SOCKET", path->c_str(), 1);
  ::setenv("DMPM_PRELOAD", state.c_str(), 1);
  for (const char* name : {"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"}) ::unsetenv(name);
  return {};
}

bool is_linked_statically(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ElfW(Ehdr) head{};
  if (!fd || ::pread(fd.get(), &head, sizeof head, 0) != sizeof head ||
      std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr))) {
    return false;
  }
  std::vector<ElfW(Phdr)> parts(head.e_phnum);
  const auto size = static_cast<ssize_t>(parts.size() * sizeof parts[0]);
  return ::pread(fd.get(), parts.data(), static_cast<size_t>(size),
                 static_cast<off_t>(head.e_phoff)) == size &&
         std::none_of(parts.begin(), parts.end(),
                      [](const ElfW(Phdr) & part) { return part.p_type == PT_INTERP; });
}

Error execute(const std::vector<std::string>& command) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execv(words[0], words.data());
  return Error::from_errno(concat({"exec ", command[0]}), errno);
}

}  // namespace dmpm::adapter
