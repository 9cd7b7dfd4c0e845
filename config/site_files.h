// SiteFiles: the included files, each a unit of failure, and the version of each that is in force.
//
// A file is read again when its stamp, a user or permission module that it names or what the main
// file says about all files has changed, when its last version was wrong, or when a certificate of it no longer passes;
// a certificate that was merely renewed gets its new stamp. A version that is wrong or collides
// with another file is reported, and the previous one stays in force, as far as it still fits
// beside the others. Names belong to who has them: among files, unchanged ones come first.
//
// A wrong file without a previous version is not silent: the names that can be read of it, and that
// nobody else has, are virtual hosts without a group, which are answered 503.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/claims.h"
#include "config/file_content.h"

namespace dmpm::config {

class SiteFiles {
 public:
  struct Update {
    // What is in force, in the order of the paths; valid until the next update.
    std::vector<const FileContent*> contents;
    size_t read = 0;  // files, not found unchanged
  };

  // Brings all up to date with `paths`; what is in none of them is forgotten. `claims` has those of
  // the main file, and is used up. Problems are added to `problems`, file by file.
  Update update(const std::vector<std::string>& paths, const Surroundings& surroundings,
                Tools& tools, Claims& claims, std::vector<Problem>& problems);

 private:
  struct File {
    std::optional<FileContent> good;  // the last version that was in force
    FileContent unavailable;          // what names a wrong file without a good version has
    FileStamp stamp;                  // of `good`
    bool conclusive = false;          // an equal stamp means that `good` is what the file says
  };
  // A file during an update.
  struct Examined {
    Examined(File& of, const std::string& path)
        : file(of), problems(std::make_shared<const std::string>(path)) {}
    File& file;
    ProblemList problems;
    std::optional<FileContent> candidate;  // newly read and right in itself
    FileContent wrong;                     // newly read and wrong, or in another one's way
    FileStamp candidate_stamp;
    bool in_force = false;  // the candidate, or else the good version
  };

  // The steps of an update.
  void note_changes(const Surroundings& surroundings);
  void forget_all_but(const std::vector<std::string>& paths);
  void read(Examined& examined, Tools& tools, Claims& claims) const;
  void keep(Examined& examined, Claims& claims) const;
  void adopt(Examined& examined, Claims& claims) const;
  void name_unavailable(Examined& examined, Claims& claims) const;
  void settle(Examined& examined, std::vector<Problem>& problems) const;

  bool still_valid(File& file, const std::string& path, Tools& tools) const;

  std::map<std::string, File> files_;  // by path
  Surroundings surroundings_;          // of the last update
  UserDatabaseStamp users_stamp_;
  bool surroundings_changed_ = true;
  bool users_changed_ = true;
};

}  // namespace dmpm::config
