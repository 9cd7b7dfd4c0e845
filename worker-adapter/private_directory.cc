#include "worker-adapter/private_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/fd.h"
#include "base/text.h"

namespace dmpm::adapter {
namespace {

// Names that somebody else would have to take before this fails.
constexpr unsigned kMostNames = 1024;
// Workers of one group at a time (the configuration's cap on max_workers).
constexpr unsigned kMostWorkers = 1024;

Result<std::string> first_free_name(const std::string& base) {
  for (unsigned n = 0; n < kMostNames; ++n) {
    std::string path = concat({base, ".", std::to_string(n)});
    const Status status = make_closed_directory(path);
    if (status.ok()) return path;
    if (status.error().number != EEXIST) return status.error();
  }
  return Error{concat({"somebody else has taken ", base, ".N for every N"})};
}

// The first that no living worker holds. The descriptor stays open, so the server and its children
// hold the lock.
Result<std::string> lock_a_place(const std::string& shared) {
  for (unsigned n = 0; n < kMostWorkers; ++n) {
    std::string path = concat({shared, "/worker.", std::to_string(n)});
    if (const Status status = make_closed_directory(path); !status.ok()) return status.error();
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (!fd) return Error::from_errno(path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      fd.release();
      return path;
    }
  }
  return Error{concat({"every place in ", shared, " is taken"})};
}

}  // namespace

// errno EEXIST stands for: something else is there.
Status make_closed_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return Error::from_errno(concat({"cannot make ", path}), errno);
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return Error::from_errno(path, errno);
  if (S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & 077) == 0) {
    return {};
  }
  return Error{concat({path, " is not a directory of this user's that is closed to others (0700)"}),
               EEXIST};
}

Result<PrivateDirectory> make_private_directory(const std::string& configured,
                                                const std::string& name) {
  PrivateDirectory made;
  if (configured.empty()) {
    const char* temporary = ::getenv("TMPDIR");
    auto path = first_free_name(concat({temporary != nullptr ? temporary : "/tmp", "/dmpm-",
                                        std::to_string(::geteuid()), "-", name}));
    if (!path) return path.error();
    made.shared = std::move(*path);
  } else {
    if (const Status status = make_closed_directory(configured); !status.ok())
      return status.error();
    made.shared = configured;
  }
  auto own = lock_a_place(made.shared);
  if (!own) return own.error();
  made.own = std::move(*own);
  return made;
}

Status write_file(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return Error::from_errno(path, errno);
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t size = ::write(fd.get(), text.data() + written, text.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error::from_errno(path, errno);
    written += static_cast<size_t>(size);
  }
  return {};
}

}  // namespace dmpm::adapter
