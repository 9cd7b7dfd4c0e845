#include "config/trusted_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/text.h"
#include "config/limits.h"
#include "config/problem_list.h"

namespace dmpm::config {
namespace {

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string octal(mode_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) {
    digits += static_cast<char>('0' + ((mode >> shift) & 7));
  }
  return digits;
}

std::string_view name_in(const std::string& path) {
  return std::string_view(path).substr(path.rfind('/') + 1);
}
std::string_view parent_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}
std::string join(std::string_view directory, std::string_view name) {
  return concat({directory, directory == "/" ? "" : "/", name});
}
// Components that name a directory by themselves.
bool is_dots(std::string_view name) {
  return name.empty() || name == "." || name == "..";
}

Error cannot(const std::string& path, std::string_view what) {
  return Error::from_errno(concat({quoted(path), " cannot be ", what}), errno);
}

Result<std::string> read_all(int fd, const std::string& path, size_t size) {
  std::string text(size + 1, '\0');
  size_t done = 0;
  while (done < text.size()) {
    const size_t wanted = text.size() - done;
    const ssize_t n = ::read(fd, text.data() + done, wanted);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot(path, "read");
    done += static_cast<size_t>(n);
    if (static_cast<size_t>(n) < wanted) break;  // the end of a regular file
  }
  if (done > size) return Error{concat({quoted(path), " grew while it was read"})};
  text.resize(done);
  return text;
}

}  // namespace

FileStamp stamp_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

TrustedFiles::TrustedFiles() : invoker_(::geteuid()) {}

Result<FileStamp> TrustedFiles::stamp(const std::string& path) {
  auto found = find(path, 0);
  if (!found) return found.error();
  if (const Status status = check_file(found->path, found->status); !status) return status.error();
  // Root reads everything.
  if (invoker_ != 0 && ::faccessat(AT_FDCWD, found->path.c_str(), R_OK, AT_EACCESS) != 0) {
    return cannot(found->path, "read");
  }
  return stamp_of(found->status);
}

Status TrustedFiles::trusted_directory(const std::string& path) {
  const Result<std::string>& found = directory(path, 0).path;
  return found ? Status() : Status(found.error());
}

Result<TrustedFiles::Content> TrustedFiles::read(const std::string& path, size_t most) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  auto place = in_checked_directory(path, 0);
  if (!place) return place.error();
  std::string& file = place->path;
  Fd fd(::openat(place->directory, place->name(), kFlags));
  if (!fd && errno == ELOOP) {
    auto found = find(file, 0);
    if (!found) return found.error();
    file = found->path;
    fd.reset(::open(file.c_str(), kFlags));
  }
  if (!fd) return cannot(file, "opened");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return cannot(file, "looked at");
  if (const Status trusted = check_file(file, status); !trusted) return trusted.error();
  const auto size = static_cast<size_t>(status.st_size);
  if (size > most) {
    return Error{concat({quoted(file), " has ", std::to_string(size), " bytes; at most ",
                         std::to_string(most), " are read"})};
  }
  auto text = read_all(fd.get(), file, size);
  if (!text) return text.error();
  return Content{std::move(*text), stamp_of(status)};
}

Result<TrustedFiles::Found> TrustedFiles::find(const std::string& path, unsigned links) {
  auto place = in_checked_directory(path, links);
  if (!place) return place.error();
  Found found;
  const int result = ::fstatat(place->directory, place->name(), &found.status, AT_SYMLINK_NOFOLLOW);
  found.path = std::move(place->path);
  if (result != 0) return cannot(found.path, "opened");
  if (!S_ISLNK(found.status.st_mode)) return found;
  auto target = target_of(found, links);
  if (!target) return target.error();
  return find(*target, links + 1);
}

const char* TrustedFiles::Place::name() const {
  return path.c_str() + (directory == AT_FDCWD ? 0 : path.rfind('/') + 1);
}

Result<TrustedFiles::Place> TrustedFiles::in_checked_directory(const std::string& path,
                                                               unsigned links) {
  const std::string_view name = name_in(path);
  Directory& found = directory(is_dots(name) ? path : parent_of(path), links);
  if (!found.path) return found.path.error();
  if (is_dots(name)) return Place{found.path.value(), AT_FDCWD};
  if (++found.files == 2 && open_ < limits::kMaxOpenDirectories) {
    // That it cannot be opened, for want of a descriptor say, is nobody's trouble.
    found.fd.reset(::open(found.path->c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (found.fd) ++open_;
  }
  return Place{join(found.path.value(), name), found.fd ? found.fd.get() : AT_FDCWD};
}

TrustedFiles::Directory& TrustedFiles::directory(std::string_view path, unsigned links) {
  const auto known = directories_.find(path);
  if (known != directories_.end()) return known->second;
  const std::string named(path);
  Directory found{check_directory(named, links)};
  return directories_.emplace(named, std::move(found)).first->second;
}

Result<std::string> TrustedFiles::check_directory(const std::string& path, unsigned links) {
  Found found{path, {}};
  if (path != "/") {
    const Result<std::string>& parent = directory(parent_of(path), links).path;
    if (!parent) return parent.error();
    const std::string_view name = name_in(path);
    if (name == "..") return std::string(parent_of(parent.value()));
    if (is_dots(name)) return parent;
    found.path = join(parent.value(), name);
  }
  if (::lstat(found.path.c_str(), &found.status) != 0) return cannot(found.path, "opened");
  if (S_ISLNK(found.status.st_mode)) {
    auto target = target_of(found, links);
    if (!target) return target.error();
    return directory(*target, links + 1).path;
  }
  if (!S_ISDIR(found.status.st_mode)) {
    return Error{concat({quoted(found.path), " is not a directory"})};
  }
  if (const Status status = check_writers(found.path, found.status); !status) {
    return status.error();
  }
  return found.path;
}

// The absolute path that a link leads to; the link itself must be out of others' reach, too.
Result<std::string> TrustedFiles::target_of(const Found& link, unsigned links) const {
  if (links == limits::kMaxLinks) {
    return Error{concat({quoted(link.path), " is one of too many links"})};
  }
  if (const Status status = check_writers(link.path, link.status); !status) return status.error();
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlink(link.path.c_str(), target.data(), target.size());
  if (size < 0) return cannot(link.path, "read");
  target.resize(static_cast<size_t>(size));
  return target.starts_with('/') ? target : join(parent_of(link.path), target);
}

Status TrustedFiles::check_writers(const std::string& path, const struct stat& status) const {
  if (status.st_uid != 0 && status.st_uid != invoker_) {
    const std::string invoker = invoker_ == 0 ? "" : concat({" or uid ", std::to_string(invoker_)});
    return Error{concat({quoted(path), " belongs to uid ", std::to_string(status.st_uid),
                         "; it must belong to root", invoker})};
  }
  const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  const bool others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (others_write && !sticky && !S_ISLNK(status.st_mode)) {
    return Error{concat({quoted(path), " has mode ", octal(status.st_mode & 07777),
                         ", so that others than its owner may write to it; chmod go-w"})};
  }
  return {};
}

Status TrustedFiles::check_file(const std::string& path, const struct stat& status) const {
  if (!S_ISREG(status.st_mode)) return Error{concat({quoted(path), " is not a regular file"})};
  return check_writers(path, status);
}

}  // namespace dmpm::config
