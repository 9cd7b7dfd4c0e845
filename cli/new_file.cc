#include "cli/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/fd.h"
#include "base/text.h"

namespace dmpm::cli {
namespace {

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t size = ::write(fd, content.data(), content.size());
    if (size <= 0) return false;
    content.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path();
}

}  // namespace

Result<NewFile> NewFile::write(const std::string& path, std::string_view content, mode_t mode) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return Error::from_errno(path, EEXIST);
  // Hidden: no pattern that ends in "*.json" finds it.
  std::string draft = concat(
      {directory_of(path), "/.", std::filesystem::path(path).filename().native(), ".XXXXXX"});
  const Fd fd(::mkostemp(draft.data(), O_CLOEXEC));
  if (!fd) return Error::from_errno(directory_of(path), errno);
  NewFile file(path, draft);
  if (!write_all(fd.get(), content) || ::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0) {
    return Error::from_errno(draft, errno);
  }
  return file;
}

NewFile::~NewFile() {
  if (!draft_.empty()) ::unlink(draft_.c_str());
}

dmpm::Status NewFile::put_in_place() {
  // A link, unlike a rename, never takes a name that is taken.
  if (::link(draft_.c_str(), path_.c_str()) != 0) return Error::from_errno(path_, errno);
  const Fd directory(::open(directory_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory && ::fsync(directory.get()) != 0) return Error::from_errno(path_, errno);
  return {};
}

}  // namespace dmpm::cli
