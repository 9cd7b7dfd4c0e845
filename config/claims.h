// Claims: which group and host names are taken, over all files of a load.
//
// A file claims all its names or none, so that one that collides with another can be left out as a
// whole. What it claims points into its content, which must stay where it is.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "config/file_content.h"

namespace dmpm::config {

class Claims {
 public:
  // The first content claimed is the main file's: its groups may be used in every file. Adds a
  // problem for each name that another file or this one has, and for each group that neither this
  // file nor the main one defines. With any problem, also an earlier one, it claims nothing and
  // returns false.
  bool claim(const FileContent& content, ProblemList& problems);
  // A host name for a file that claims nothing; false when it is taken. After all claims: what was
  // claimed is not looked at any more.
  bool take_free(const std::string& name);

 private:
  struct Place {
    const FileContent* owner = nullptr;
    Position position;
  };
  using Names = std::unordered_map<std::string_view, Place>;

  void claim_groups(const FileContent& content, ProblemList& problems);
  void claim_hosts(const FileContent& content, ProblemList& problems);
  void claim_name(Names& names, std::string_view name, Place place, std::string_view kind,
                  ProblemList& problems);
  void withdraw(const FileContent& content);

  const FileContent* main_ = nullptr;
  Names groups_, hosts_;
  std::unordered_set<std::string> leftovers_;  // taken by take_free()
};

}  // namespace dmpm::config
