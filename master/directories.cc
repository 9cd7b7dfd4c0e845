#include "master/directories.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "logger/protocol.h"

namespace dmpm::master {

namespace {

struct Wanted {
  uid_t owner;
  gid_t group;
  mode_t mode;
};

// `name` is relative to `parent`; `path` is for messages. The directory may exist as root's or as
// the wanted owner's.
Result<Fd> make_directory(int parent, const char* name, const std::string& path, Wanted wanted) {
  if (::mkdirat(parent, name, 0700) != 0 && errno != EEXIST) {
    return Error::from_errno(concat({"cannot make the directory ", path}), errno);
  }
  Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && (errno == ELOOP || errno == ENOTDIR)) {
    return Error{concat({path, " is a symbolic link or no directory: refused"})};
  }
  if (!fd) return Error::from_errno(concat({"cannot open the directory ", path}), errno);
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return Error::from_errno(concat({"stat ", path}), errno);
  if (found.st_uid != 0 && found.st_uid != wanted.owner) {
    return Error{concat({path, " belongs to user ", std::to_string(found.st_uid), ", expected ",
                         std::to_string(wanted.owner), ": refused"})};
  }
  if ((found.st_mode & 022) != 0) {
    return Error{concat({path, " can be written by others than its owner: refused"})};
  }
  if (::fchown(fd.get(), wanted.owner, wanted.group) != 0 || ::fchmod(fd.get(), wanted.mode) != 0) {
    return Error::from_errno(concat({"cannot set owner and mode of ", path}), errno);
  }
  return fd;
}

Result<Fd> take_lock(const Fd& directory, const std::string& path) {
  Fd fd(::openat(directory.get(), "master.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return Error::from_errno(concat({"cannot open ", path, "/master.lock"}), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return Error::from_errno(concat({"cannot lock ", path}), errno);
  return Error{concat({"another dmpm-master runs with the runtime directory ", path})};
}

// Removes what a master that was killed left behind. Anything that is not a `kind` stays.
void remove_stale(const Fd& directory, mode_t kind) {
  const int copy = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(copy), ::closedir);
  if (!list) return;
  while (const dirent* entry = ::readdir(list.get())) {
    struct stat found {};
    if (::fstatat(directory.get(), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        (found.st_mode & S_IFMT) == kind) {
      ::unlinkat(directory.get(), entry->d_name, 0);
    }
  }
}

}  // namespace

Result<Directories> prepare_directories(const config::Configuration& configuration, Fd lock) {
  const bool taken_over = static_cast<bool>(lock);
  const std::string& runtime_path = configuration.runtime_directory;
  const std::string& log_path = configuration.log_directory;
  const config::Identity& logger = configuration.logger;
  Directories made;
  made.sockets = runtime_path + "/sockets";
  made.empty = runtime_path + "/empty";

  auto runtime = make_directory(AT_FDCWD, runtime_path.c_str(), runtime_path, {0, 0, 0711});
  if (!runtime) return runtime.error();
  auto locked = taken_over ? Result<Fd>(std::move(lock)) : take_lock(*runtime, runtime_path);
  if (!locked) return locked.error();
  made.lock = std::move(*locked);
  auto sockets = make_directory(runtime->get(), "sockets", made.sockets,
                                {0, configuration.dispatcher.identity.gid, 0710});
  if (!sockets) return sockets.error();
  auto empty = make_directory(runtime->get(), "empty", made.empty, {0, 0, 0555});
  if (!empty) return empty.error();
  if (!taken_over) remove_stale(*sockets, S_IFSOCK);

  auto log = make_directory(AT_FDCWD, log_path.c_str(), log_path, {logger.uid, logger.gid, 0750});
  if (!log) return log.error();
  auto pipes = make_directory(log->get(), logger_protocol::kPipeDirectory,
                              concat({log_path, "/", logger_protocol::kPipeDirectory}),
                              {0, logger.gid, 0710});
  if (!pipes) return pipes.error();
  if (!taken_over) remove_stale(*pipes, S_IFIFO);
  made.pipes = std::move(*pipes);

  const std::string& private_path = configuration.private_directories;
  auto privates = make_directory(AT_FDCWD, private_path.c_str(), private_path, {0, 0, 0711});
  if (!privates) return privates.error();
  made.privates = std::move(*privates);
  return made;
}

Result<std::string> make_private_directory(int privates, const std::string& group,
                                           const config::Identity& identity) {
  std::string name = concat({group, ".", std::to_string(identity.uid)});
  auto made = make_directory(privates, name.c_str(), name, {identity.uid, identity.gid, 0700});
  if (!made) return made.error();
  return name;
}

}  // namespace dmpm::master
