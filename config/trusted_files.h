// TrustedFiles: files that decide what root does, so that nobody but root may be able to change
// them.
//
// A file is trusted when it is a regular one, owned by root (or by the invoking user, when that is
// not root), writable by no group or others, and when the same holds for each directory and link on
// the way to it; in a directory with the sticky bit others may write, since they cannot replace
// what is not theirs. Directories are looked at once in the life of the object: one load.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/fd.h"
#include "base/result.h"
#include "config/configuration.h"

namespace dmpm::config {

FileStamp stamp_of(const struct stat& status);

class TrustedFiles {
 public:
  struct Content {
    std::string text;
    FileStamp stamp;
  };

  TrustedFiles();

  // `path` is absolute. Errors are whole sentences that name the file or directory at fault.
  // The stamp of a trusted file that this process can read; does not open it.
  Result<FileStamp> stamp(const std::string& path);
  // A directory that only root can change or replace.
  Status trusted_directory(const std::string& path);
  // Opens the file once; checks and reads that descriptor. At most `most` bytes.
  Result<Content> read(const std::string& path, size_t most);

 private:
  struct Found {
    std::string path;  // without links in it
    struct stat status;
  };
  // Where `path` leads to, links followed, after every directory on the way has been checked.
  Result<Found> find(const std::string& path, unsigned links);
  // A directory as it was found. The first few with several files in them are kept open, so that the
  // kernel need not walk the way to each file again.
  struct Directory {
    Result<std::string> path;  // without links
    size_t files = 0;          // that were asked for in it
    Fd fd = {};
  };
  // A name in a directory that has been checked.
  struct Place {
    std::string path;  // without links in the directory's part
    int directory;     // for the ...at() calls, together with:
    const char* name() const;
  };
  Result<Place> in_checked_directory(const std::string& path, unsigned links);
  Directory& directory(std::string_view path, unsigned links);
  Result<std::string> check_directory(const std::string& path, unsigned links);
  Result<std::string> target_of(const Found& link, unsigned links) const;
  Status check_writers(const std::string& path, const struct stat& status) const;
  Status check_file(const std::string& path, const struct stat& status) const;

  const uid_t invoker_;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view path) const { return std::hash<std::string_view>()(path); }
  };
  std::unordered_map<std::string, Directory, Hash, std::equal_to<>> directories_;  // as named
  size_t open_ = 0;                                                                // of them
};

}  // namespace dmpm::config
