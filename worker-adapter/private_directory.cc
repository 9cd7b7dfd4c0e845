#include "worker-adapter/private_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "base/text.h"
#include "master/heritage.h"

namespace dmpm::adapter {
namespace {

bool is_closed_directory(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) &&
         found.st_uid == ::geteuid() && (found.st_mode & 077) == 0;
}

// Workers of one group at a time (the configuration's cap on max_workers).
constexpr unsigned kMostWorkers = 1024;

// This user's own among all that begin so, from an earlier start; "" when there is none.
Result<std::string> found_beside(const std::string& directory, const std::string& prefix) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  if (entries == nullptr) return Error::from_errno(directory, errno);
  while (const dirent* entry = ::readdir(entries.get())) {
    if (!std::string_view(entry->d_name).starts_with(prefix)) continue;
    std::string path = concat({directory, "/", entry->d_name});
    if (is_closed_directory(path)) return path;
  }
  return std::string();
}

// `prefix`.0 as a rule. Who has taken that cannot foresee the other.
Result<std::string> free_name(const std::string& directory, const std::string& prefix) {
  std::string path = concat({directory, "/", prefix, ".0"});
  const Status status = make_closed_directory(path);
  if (status.ok()) return path;
  if (status.error().number != EEXIST) return status.error();
  auto found = found_beside(directory, prefix + ".");
  if (!found || !found->empty()) return found;
  path = concat({directory, "/", prefix, ".XXXXXX"});
  if (::mkdtemp(path.data()) == nullptr) return Error::from_errno(path, errno);  // 0700
  return path;
}

// The master's, unless a permission module hides it or lets nobody write there.
Result<std::string> given_or_temporary(const std::string& name) {
  const char* given = ::getenv(heritage::kPrivateDirectory);
  if (given != nullptr && is_closed_directory(given) && ::access(given, W_OK | X_OK) == 0) {
    return std::string(given);
  }
  const char* temporary = ::getenv("TMPDIR");
  return free_name(temporary != nullptr ? temporary : "/tmp",
                   concat({"dmpm-", std::to_string(::geteuid()), "-", name}));
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

bool holds(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::string found(text.size() + 1, '\0');
  return fd && ::read(fd.get(), found.data(), found.size()) == static_cast<ssize_t>(text.size()) &&
         std::string_view(found).substr(0, text.size()) == text;
}

}  // namespace

// errno EEXIST stands for: something else is there.
Status make_closed_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return Error::from_errno(concat({"cannot make ", path}), errno);
  if (is_closed_directory(path)) return {};
  return Error{concat({path, " is not a directory of this user's that is closed to others (0700)"}),
               EEXIST};
}

Result<PrivateDirectory> make_private_directory(const std::string& configured,
                                                const std::string& name) {
  PrivateDirectory made;
  if (configured.empty()) {
    auto path = given_or_temporary(name);
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

// Left alone when it is as at the start before, which is the rule: on ext4 a file that is cut off and
// written again is brought to the disk at once, and who closes it waits.
Status write_file(const std::string& path, const std::string& text) {
  if (holds(path, text)) return {};
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
