// SiteFiles: the included files, each a unit of failure, and the version of each that is in force.
//
// A file is read again when its stamp, a user or permission module that it names or what the main
// file says about all files has changed, or when its last version was wrong. For all others an
// update looks at the stamp, and at nothing else. A version that is wrong or collides with another
// file is reported, and the previous one stays in force, as far as it still fits beside the others.
// Names belong to who has them: among files, unchanged ones come first.
//
// A wrong file without a previous version is not silent: the names that can be read of it, and that
// nobody else has, are virtual hosts without a group, which are answered 503.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/claims.h"
#include "config/file_content.h"

namespace dmpm::config {

class SiteFiles {
 public:
  struct MainPart {
    const std::string& path;  // outlives this object
    std::shared_ptr<const Section> section;
    const std::vector<VirtualHostPlaces>& places;  // of a new section's virtual hosts
    const Surroundings& surroundings;
  };
  struct Update {
    std::vector<std::shared_ptr<const Section>> sections;  // in force, in the order of the paths
    size_t read = 0;                                       // files, not found unchanged
  };

  // Brings all up to date with `paths`; what is in none of them is forgotten. The main file is right.
  // Problems are added to `problems`, file by file.
  Update update(const std::vector<std::string>& paths, const MainPart& main, Tools& tools,
                std::vector<Problem>& problems);

 private:
  struct File {
    std::shared_ptr<const std::string> path;
    std::shared_ptr<const Section> good;         // the last version that was in force
    std::shared_ptr<const Section> unavailable;  // what names a file that is not in force has
    FileStamp stamp;                             // of `good`
    bool lists_supplementary_groups = false;     // `good` does
    bool conclusive = false;  // an equal stamp means that `good` is what the file says
    bool in_force = false;    // it has its claims; during an update, maybe as a candidate
  };
  // A file during an update that has to look closer at it.
  struct Examined {
    Examined(File& of, bool is_unchanged) : file(of), unchanged(is_unchanged), problems(of.path) {}
    File& file;
    const bool unchanged;  // but the main file is not
    ProblemList problems;
    std::optional<FileContent> candidate;  // newly read and right in itself
    std::optional<Section> wrong;          // newly read and wrong, or in another one's way
    FileStamp candidate_stamp;
  };

  // The steps of an update.
  void note_changes(const MainPart& main);
  File& file_of(const std::string& path);
  bool still_valid(const File& file, Tools& tools) const;
  void withdraw(const File& file);
  void forget_all_but(const std::vector<std::string>& paths);
  void read(Examined& examined, Tools& tools);
  void put_in_force(std::deque<Examined>& all);
  void keep(Examined& examined);
  void adopt(Examined& examined);
  void name_unavailable(Examined& examined, std::unordered_set<std::string>& taken) const;
  static void settle(Examined& examined, std::vector<Problem>& problems);

  std::unordered_map<std::string, File> files_;  // by path
  Claims claims_;                                // of the main file and of all that is in force
  std::shared_ptr<const Section> main_;          // that these are of
  Surroundings surroundings_;                    // of the last update
  UserDatabaseStamp users_stamp_;
  bool main_changed_ = true;
  bool surroundings_changed_ = true;
  bool users_changed_ = true;
};

}  // namespace dmpm::config
